import { deepEqual, equal } from 'node:assert/strict';
import { unsettled } from '../postgres/unsettled.ts';
import { eventually } from './eventually.ts';
import { bystanders, type World } from './world.ts';

/**
 * One to listen, four shared by all (src/postgres/pool.ts), one for each of four queue tables and one to
 * count (src/app.ts).
 */
const mostConnections = 1 + 4 + 4 + 1;

/**
 * After any fault: the queue becomes empty and everything settles, and exactly the right files are gone. The daemon
 * runs, still receives notifications, has no more connections than it should, and ends with 0 and no
 * connection left.
 */
export async function expectWhole(world: World, { left = bystanders }: { left?: readonly string[] } = {}) {
  await expectDone(world);
  await world.probe();
  await expectDone(world);
  deepEqual(world.site.pages(), [...left].sort());
  await expectConnections(world, mostConnections);
  equal(await world.daemon.stop(), 0, world.lastWords());
  await expectConnections(world, 0);
}

/** Nothing is enqueued, claimed or settling. */
export async function expectDone(world: World): Promise<void> {
  const count = async () => {
    const [found] = await world.query<{ entries: number; rows: number }>(
      `SELECT (SELECT count(*)::int FROM cache_clearing_ports) AS entries, (SELECT count(*)::int FROM ${unsettled}) AS rows`,
    );
    return found;
  };
  await eventually(
    'done',
    async () => {
      const found = await count();
      return found?.entries === 0 && found.rows === 0 ? true : undefined;
    },
    async () => `${JSON.stringify(await count())} left; ${await whatIsLeft(world)}\n${world.lastWords()}`,
  );
}

/** Why it may be left: where the caches are, what fails, and which transactions are open. */
async function whatIsLeft(world: World): Promise<string> {
  const found: object[] = [];
  for (const sql of [
    `SELECT * FROM ${unsettled} LIMIT 5`,
    'SELECT * FROM uncached.failing LIMIT 5',
    'SELECT * FROM uncached.consumer',
    `SELECT pid, application_name, state, wait_event, xact_start, left(query, 60) AS query
     FROM pg_stat_activity WHERE datname = current_database()`,
    'SELECT * FROM pg_prepared_xacts',
  ])
    found.push(...(await world.query(sql)));
  return found.map((row) => JSON.stringify(row)).join('\n');
}

async function expectConnections(world: World, most: number): Promise<void> {
  const list = () =>
    world.query<{ who: string }>(
      `SELECT concat_ws(' ', pid, application_name, state, left(query, 60)) AS who FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'uncached%'`,
    );
  await eventually(
    `at most ${most} connections`,
    async () => ((await list()).length <= most ? true : undefined),
    async () => (await list()).map(({ who }) => who).join('; '),
  );
}
