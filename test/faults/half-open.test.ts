import { expect, it } from 'vitest';
import type { LogLine } from '../uncached.ts';
import { inWorld as openWorld } from './in-world.ts';
import { expectWhole } from './whole.ts';
import type { World, WorldOptions } from './world.ts';

/** The limit in doc/reliability.md for the heartbeat of these tests. */
const promisedMs = 15_000;

/** A lost listener is reported as such, or with the reason why the next one cannot connect either. */
const isOutage = ({ event }: LogLine) => ['listener-lost', 'database-unavailable'].includes(event);

const inWorld = (options: WorldOptions, live: (world: World) => Promise<void>) =>
  openWorld(options, async (world) => {
    await world.start();
    await live(world);
  });

it.concurrent(
  'a half-open listener is noticed by its heartbeat and hears again, over TCP',
  { timeout: 300_000 },
  () =>
    inWorld({ tcp: true }, async (world) => {
      const ms = await world.ownMs(async () => {
        for (const listener of world.proxy.links('listener')) listener.freeze();
        await world.daemon.until('outage', isOutage);
        await world.probe();
      });
      // A heartbeat a second, a time-out of four seconds, and the reconnect.
      expect(ms).toBeLessThan(10_000);
      await world.proxy.heal();
      await expectWhole(world);
    }),
);

it.concurrent(
  'a half-open pool is noticed as well, and clears as soon as it answers',
  { timeout: 300_000 },
  () =>
    inWorld({}, async (world) => {
      world.proxy.freeze('pool');
      const page = await world.enqueue();
      // The first to notice reports it: the heartbeat, or a query that waits for a connection.
      await world.daemon.until('outage', isOutage);
      await world.proxy.heal();
      expect(await world.ownMs(() => world.gone(page))).toBeLessThan(promisedMs);
      await expectWhole(world);
    }),
);

/** While one connection is held up, new queries use another one, so both pools get several. */
async function fillPools(world: World): Promise<void> {
  const look = world.proxy.at('look', 'request');
  await world.enqueue();
  const held = [await look, await world.proxy.at('heartbeat', 'request')];
  for (const link of held) link.thaw();
  // The listener, two that took snapshots and sent heartbeats, and one for the first claim of each handler.
  expect(world.proxy.links().length).toBeGreaterThanOrEqual(1 + 2 + 4);
}

it.concurrent(
  'recovers within 15 s when every connection is half-open for good and new ones work',
  { timeout: 300_000 },
  () =>
    inWorld({}, async (world) => {
      await fillPools(world);
      for (const link of world.proxy.links()) link.freeze();
      const ms = await world.ownMs(() => world.probe());
      console.log(`every connection half-open for good: ${Math.round(ms)} ms until the next clearing`);
      expect(ms).toBeLessThan(promisedMs);
      await world.proxy.heal();
      await expectWhole(world);
    }),
);

it.concurrent(
  'recovers within 15 s when connections are half-open for good and only claims find out',
  { timeout: 300_000 },
  () =>
    // No heartbeat is sent in time.
    inWorld({ heartbeat: '60s' }, async (world) => {
      for (const link of world.proxy.links('pool')) link.freeze();
      expect(await world.ownMs(() => world.probe())).toBeLessThan(promisedMs);
      await world.proxy.heal();
      await expectWhole(world);
    }),
);

/** After this time a supervisor kills the process (service/uncached.service allows more). */
const stopWithinMs = 15_000;

it.concurrent(
  'ends with 0 on SIGTERM although every connection is half-open and a claim is under way',
  { timeout: 300_000 },
  () =>
    inWorld({}, async (world) => {
      await world.probe();
      const caught = world.proxy.at('claim', 'request');
      const page = await world.enqueue();
      await caught;
      world.proxy.freeze('all');
      const ms = await world.ownMs(async () => expect(await world.daemon.stop()).toBe(0));
      expect(ms).toBeLessThan(stopWithinMs);
      await world.proxy.heal();
      await world.start();
      await world.gone(page);
    }),
);
