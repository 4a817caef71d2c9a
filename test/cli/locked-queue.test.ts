import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { connect } from '../sql/connect.ts';
import { client, isEvent, site, start } from './running.ts';
import { here, sessionsEnded } from './sessions.ts';
import { database } from './site-and-database.ts';

/** The four queue tables of FreshPorts, and a fifth. */
const locked = ['ports', 'dates', 'commits', 'files'].map((name) => `cache_clearing_${name}`);
const channels = ['port_updated', 'date_updated', 'commit_updated', 'file_updated'];
const articles = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
[handler.listen_date_updated]
queue = cache_clearing_dates
clear[] = daily/{date_to_clear:%Y}/*
[handler.listen_commit]
queue = cache_clearing_commits
clear[] = commits/{commit_to_clear}/
[handler.listen_file_updated]
queue = cache_clearing_files
clear[] = files/{pathname:path}
[handler.articles]
queue = cache_clearing_articles
clear[] = articles/{slug}`;

let locker: Awaited<ReturnType<typeof connect>>;
beforeEach(async () => {
  await sessionsEnded(client);
  locker = await connect(database.config);
  await client.query(`
    CREATE TABLE cache_clearing_articles (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text,
      date_added timestamptz NOT NULL DEFAULT clock_timestamp());
    INSERT INTO listen_for (name, script_name) VALUES ('article_updated', 'articles')`);
});
afterEach(async () => {
  await locker.end();
  await client.query(
    `DROP TABLE cache_clearing_articles; DELETE FROM listen_for WHERE script_name = 'articles'`,
  );
});

/** The statements that wait for a lock of these tables, and for how many of the tables. */
async function waiting(): Promise<{ tables: number; statements: readonly string[] }> {
  const { rows } = await client.query<{ name: string; statement: string }>(
    `SELECT relname AS name, virtualtransaction AS statement
     FROM pg_locks JOIN pg_class ON pg_class.oid = relation
     WHERE NOT granted AND ${here} AND relname = ANY ($1)`,
    [locked],
  );
  return {
    tables: new Set(rows.map(({ name }) => name)).size,
    statements: rows.map(({ statement }) => statement),
  };
}

/** Resolves with the statements that wait when all four handlers do. */
const lockedOut = () =>
  eventually(
    'locked out',
    async () => {
      const { tables, statements } = await waiting();
      return tables === locked.length ? statements : undefined;
    },
    async () => JSON.stringify(await waiting()),
  );

it('clears for a fifth handler as soon as ever while four queue tables are locked', {
  timeout: 300_000,
}, async () => {
  const daemon = await start({ handlers: articles });
  await locker.query(`BEGIN; LOCK TABLE ${locked} IN ACCESS EXCLUSIVE MODE`);
  for (const channel of channels) await client.query(`NOTIFY ${channel}`);
  // It has waited for none of the four if all of them still wait afterwards. On a busy machine their time-outs
  // may come first; if it had to wait for one of them, they always would.
  for (let nth = 0, proofs = 0; proofs < 5; nth++) {
    expect(nth, `clearings, of which ${proofs} waited for no lock`).toBeLessThan(15);
    const before = await lockedOut();
    const from = daemon.log.length;
    const follows = (event: string) => (line: (typeof daemon.log)[number]) =>
      daemon.log.indexOf(line) >= from && isEvent(event)(line);
    site.write([`articles/${nth}`]);
    await client.query(
      `INSERT INTO cache_clearing_articles (slug) VALUES ('${nth}'); NOTIFY article_updated`,
    );
    await daemon.until('clearing', follows('cleared'));
    expect(site.pages()).toEqual([]);
    const after = (await waiting()).statements;
    if (before.every((statement) => after.includes(statement))) proofs += 1;
  }
  await locker.query('COMMIT');
});

it('holds a listener, four connections and one for each queue table and for counting, at most', async () => {
  await start({ handlers: articles });
  await locker.query(`BEGIN; LOCK TABLE ${locked} IN ACCESS EXCLUSIVE MODE`);
  for (let nth = 0; nth < 20; nth++) for (const channel of channels) await client.query(`NOTIFY ${channel}`);
  await lockedOut();
  const { rows } = await client.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE 'uncached ________________%'`,
  );
  expect(rows[0]?.count).toBeLessThanOrEqual(1 + 4 + 5 + 1);
  await locker.query('COMMIT');
});
