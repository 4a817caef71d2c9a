import { expect, it } from 'vitest';
import { replicationBinaries, replicationMissing } from '../postgres/replication.ts';
import type { LaunchedServer } from '../postgres/server.ts';
import { makeSite } from '../site.ts';
import { eventually } from './eventually.ts';
import { Failover, isOutage, pageOf } from './failover.ts';
import { at, Pair, promote, query } from './pair.ts';
import { Producer } from './producer.ts';

const possible = replicationBinaries() !== undefined;
if (!possible) console.warn(replicationMissing);

/** After the promotion. */
const recoversWithinMs = 15_000;

/** These tests wait for servers and time-outs. They run concurrently, each with its own pair of servers. */
function itFailsOver(what: string, live: (world: Failover) => Promise<void>): void {
  it.skipIf(!possible).concurrent(what, { timeout: 120_000 }, async () => {
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
  await primary.kill();
  await world.daemon.until('outage', isOutage);
  await promoteAndProbe(world, 'killed');
  for (const producer of producers) await producer.stop();
  await world.done(standby);
  const replicated = await query<{ port: string }>(standby, 'SELECT port FROM changes');
  expect(replicated.length).toBeGreaterThan(40);
  const pages = new Set(world.site.pages());
  expect(replicated.filter(({ port }) => pages.has(pageOf(port)))).toEqual([]);
  await world.daemon.until('recovery', ({ event }) => event === 'database-recovered');
  expect(world.daemon.log.filter(isOutage)).toHaveLength(1);
  expect(world.daemon.log.filter(({ event }) => event === 'database-recovered')).toHaveLength(1);

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
    const settling = await world.enqueue(primary, 'settling');
    await world.cleared(settling);
    process.kill(world.daemon.pid, 'SIGSTOP');
    const queued = await world.enqueue(primary, 'queued');
    await world.pair.caughtUp();
    expect(await world.left(standby)).toEqual({ entries: 1, rows: 1 });
    await world.pair.detach();
    process.kill(world.daemon.pid, 'SIGCONT');
    await world.cleared(queued);
    await world.done(primary);

    // The standby has received neither the claim of one nor the settling of the other.
    world.site.write([settling, queued]);
    const still = [primary.pid, ...(await backends(primary))];
    for (const pid of still) process.kill(pid, 'SIGSTOP');
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
  const started = performance.now();
  await promote(world.pair.standby);
  await world.cleared(await world.enqueue(world.pair.standby, 'first'));
  const ms = performance.now() - started;
  console.log(`failover, primary ${how}: ${Math.round(ms)} ms from the promotion to the next clearing`);
  expect(ms).toBeLessThan(recoversWithinMs);
}

async function backends(server: LaunchedServer): Promise<number[]> {
  const found = await query<{ pid: number }>(
    server,
    `SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'uncached%'`,
  );
  expect(found.length).toBeGreaterThan(1);
  return found.map(({ pid }) => pid);
}

/** A cleared entry leaves no trace, so its outcome is recorded in another table in the same transaction. */
const remember = `
  CREATE TABLE changes (port text);
  CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO changes VALUES (NEW.port); RETURN NULL; END';
  CREATE TRIGGER remember AFTER INSERT ON cache_clearing_ports FOR EACH ROW EXECUTE FUNCTION remember()`;
