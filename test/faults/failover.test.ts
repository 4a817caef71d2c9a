import { expect, it } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { replicationBinaries, replicationMissing } from '../postgres/replication.ts';
import type { LaunchedServer } from '../postgres/server.ts';
import { makeSite } from '../site.ts';
import { eventually } from './eventually.ts';
import { Failover, isOutage, isRecovery, pageOf } from './failover.ts';
import { at, Pair, promote, query } from './pair.ts';
import { Producer } from './producer.ts';

const possible = replicationBinaries() !== undefined;
if (!possible) console.warn(replicationMissing);

/** After the promotion. */
const recoversWithinMs = 15_000;

/** These tests wait for servers and time-outs. They run concurrently, each with its own pair of servers. */
function itFailsOver(what: string, live: (world: Failover) => Promise<void>): void {
  it.skipIf(!possible).concurrent(what, { timeout: 600_000 }, async () => {
    const world = new Failover(makeSite(), await Pair.open());
    try {
      await live(world);
    } finally {
      await world.close();
    }
  });
}

itFailsOver('finds the promoted standby when the primary is killed under load', async (world) => {
  const { primary, standby } = world.pair;
  await query(primary, remember);
  await world.start([primary, standby]);
  const place = { site: world.site, database: { config: at(primary) } };
  const producers = [1, 2].map((n) => new Producer(place, `load-${n}`));
  await eventually(
    'under load',
    async () => (producers.every(({ committed }) => committed.length > 20) ? true : undefined),
    async () => world.lastWords(),
  );
  await world.pair.caughtUp();
  await primary.kill();
  await world.daemon.until('outage', isOutage);
  await promoteAndProbe(world, 'killed');
  for (const producer of producers) await producer.stop();
  await world.done(standby);
  const replicated = await query<{ port: string }>(standby, 'SELECT port FROM changes');
  expect(replicated.length).toBeGreaterThan(40);
  const pages = new Set(world.site.pages());
  expect(replicated.filter(({ port }) => pages.has(pageOf(port)))).toEqual([]);
  await expectToldOnce(world);

  // The old primary comes back and does not learn that it was replaced. What is written there is lost.
  await primary.restart();
  const stray = await world.enqueue(primary, 'stray');
  await world.cleared(await world.enqueue(standby, 'heard'));
  expect(world.site.pages()).toEqual(expect.arrayContaining([stray]));

  // The old primary comes back the right way, as a standby. The list names it first, and the primary is still
  // found.
  const replaced = await world.pair.replace(primary, standby);
  expect(await world.daemon.stop()).toBe(0);
  await world.start([replaced, standby]);
  await world.cleared(await world.enqueue(standby, 'again'));
  expect(await world.daemon.stop()).toBe(0);
});

itFailsOver(
  'clears again what was not replicated, and lets go of a primary that only stood still',
  async (world) => {
    const { primary, standby } = world.pair;
    await world.start([standby, primary], '1s');
    const [settling, queued] = await withClient(at(primary), async (client) => {
      // Nothing settles while a transaction is open.
      await client.query('BEGIN');
      const cleared = await world.enqueue(primary, 'settling');
      await world.cleared(cleared);
      process.kill(world.daemon.pid, 'SIGSTOP');
      const waiting = await world.enqueue(primary, 'queued');
      await world.pair.caughtUp();
      expect(await world.left(standby)).toEqual({ entries: 1, rows: 1 });
      await world.pair.detach();
      return [cleared, waiting];
    });
    process.kill(world.daemon.pid, 'SIGCONT');
    await world.cleared(queued);
    await world.done(primary);

    // The standby has received neither the claim of one nor the settling of the other.
    world.site.write([settling, queued]);
    const still = await stop(primary);
    try {
      await promoteAndProbe(world, 'still');
    } finally {
      for (const pid of still) process.kill(pid, 'SIGCONT');
    }
    for (const page of [settling, queued]) await world.cleared(page);
    await world.done(standby);

    const stray = await world.enqueue(primary, 'stray');
    for (let n = 0; n < 8; n++) await world.cleared(await world.enqueue(standby, `after-${n}`));
    await world.done(standby);
    expect(world.site.pages()).toEqual([stray]);
    expect(await world.left(primary)).toEqual({ entries: 1, rows: 0 });
    expect(await world.daemon.stop()).toBe(0);
  },
);

async function promoteAndProbe(world: Failover, how: string): Promise<void> {
  await promote(world.pair.standby);
  const ms = await world.ownMs(async () => world.cleared(await world.enqueue(world.pair.standby, 'first')));
  console.log(`failover, primary ${how}: ${Math.round(ms)} ms from the promotion to the next clearing`);
  expect(ms).toBeLessThan(recoversWithinMs);
}

/** Each outage and its end are logged once. On a busy machine a late heartbeat may add some. */
async function expectToldOnce({ daemon }: Failover): Promise<void> {
  const told = () => daemon.log.filter((line) => isOutage(line) || isRecovery(line));
  await eventually(
    'told',
    async () => (told().at(-1)?.event === 'database-recovered' ? true : undefined),
    async () => JSON.stringify(told()),
  );
  expect(told().map(isRecovery)).toEqual(told().map((_, n) => n % 2 === 1));
}

/**
 * Stops the server and the daemon's sessions on it. The server comes first, so that it begins no other session;
 * in the result it is last.
 */
async function stop(server: LaunchedServer): Promise<number[]> {
  return withClient(at(server), async (client) => {
    process.kill(server.pid, 'SIGSTOP');
    const { rows } = await client.query<{ pid: number }>(
      `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'uncached%'`,
    );
    for (const { pid } of rows) process.kill(pid, 'SIGSTOP');
    expect(rows.length).toBeGreaterThan(1);
    return [...rows.map(({ pid }) => pid), server.pid];
  });
}

/** A cleared entry leaves no trace, so its outcome is recorded in another table in the same transaction. */
const remember = `
  CREATE TABLE changes (port text);
  CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO changes VALUES (NEW.port); RETURN NULL; END';
  CREATE TRIGGER remember AFTER INSERT ON cache_clearing_ports FOR EACH ROW EXECUTE FUNCTION remember()`;
