import { afterEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';

const database = testDatabase();
const [site, other] = [makeSite(), makeSite()];
const running: RunningDaemon[] = [];

function start(where: typeof site): RunningDaemon {
  const daemon = startUncached(where.configure(iniFor(where, database.config)));
  running.push(daemon);
  return daemon;
}

afterEach(async () => {
  await Promise.all(running.map((daemon) => daemon.stop('SIGKILL')));
  for (const one of [site, other]) one.remove();
});

it('a daemon that is refused for its root claims nothing and takes nothing over until it gives up', async () => {
  const client = await connect(database.config);
  try {
    const first = start(site);
    const taking = async () =>
      (await client.query(`SELECT FROM uncached.root WHERE seen_at > '-infinity'`)).rowCount || undefined;
    await eventually('it takes entries', taking, async () => JSON.stringify(first.log.slice(-5)));
    await first.until('LISTEN', ({ event }) => event === 'listening');
    // It is alive and blocks nobody: the other daemon makes all claims. It has one session left, which listens:
    // the others may not have begun what it asked of them last.
    process.kill(first.pid, 'SIGSTOP');
    await client.query(
      `SELECT pg_terminate_backend(pid, 100000) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name ~ '^uncached [0-9a-f]{16}$'`,
    );
    await client.query(`
      INSERT INTO cache_clearing_files (pathname) VALUES ('/ports/www/a');
      INSERT INTO uncached.journal (handler, key, owner) VALUES ('news', '{}', 'dead')`);
    const refused = start(other);
    expect(await refused.ended).toBe(1);
    expect(refused.log.at(-1)).toMatchObject({ event: 'fatal-error' });
    const { rows } = await client.query(
      'SELECT (SELECT count(*)::int FROM cache_clearing_files) AS entries, owner FROM uncached.journal',
    );
    expect(rows).toEqual([{ entries: 1, owner: 'dead' }]);
  } finally {
    await client.end();
  }
});
