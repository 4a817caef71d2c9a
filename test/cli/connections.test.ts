import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type App, openApp } from '../../src/app.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { loadAll } from '../../src/load-all.ts';
import { connectionsHeld } from '../../src/postgres/connection-count.ts';
import { projectRoot } from '../postgres/project-root.ts';
import { freshportsHandlers, iniFor } from '../site.ts';
import { client, database, site } from './site-and-database.ts';

/** More than the connections that can exist. */
const many = 20;

/** On a busy machine, to make them all and to wait for one takes long. */
const [connectMs, sendMs, statementMs, queryMs] = [100_000, 100_000, 100_000, 100_000];
const timings = {
  ...usualTimings,
  database: { ...usualTimings.database, connectMs, sendMs, statementMs, queryMs },
};

/** Everything that the daemon uses connections for, with more of it at once than ever happens. */
async function work({ log, queues, listenTo }: App): Promise<() => void> {
  const each = <Result>(act: () => Promise<Result>) => Promise.all(Array.from({ length: many }, act));
  const { close } = await listenTo([])(() => {});
  await Promise.all([
    each(() => log.counts()),
    ...[...queues.values()].map((queue) => each(() => queue.backlog())),
  ]);
  return close;
}

it.each([1, 4])('a daemon with %i queue tables holds as many connections as is written', async (queues) => {
  const handlers = freshportsHandlers
    .split(/^(?=\[)/m)
    .filter((section) => section.includes('queue ='))
    .slice(0, queues)
    .map((section) => section.replace('then = news\n', ''))
    .join('');
  const app = openApp(loadAll(site.configure(iniFor(site, database.config, { handlers }))), { timings });
  try {
    const close = await work(app);
    const { rows } = await client.query<{ sessions: number }>(
      'SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE application_name LIKE $1',
      [`uncached ${app.owner}%`],
    );
    close();
    expect(rows[0]?.sessions).toBe(queues + 6);
    expect(connectionsHeld(queues)).toBe(queues + 6);
  } finally {
    await app.close();
  }
});

it('the manual has the number', () => {
  const manual = readFileSync(join(projectRoot, 'doc/operating.md'), 'utf8').replace(/\s+/g, ' ');
  expect(manual).toContain(`up to ${connectionsHeld(0)} connections, and one more for each queue table`);
});
