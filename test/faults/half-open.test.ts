import { expect, it } from 'vitest';
import { inWorld as openWorld } from './in-world.ts';
import { expectWhole } from './whole.ts';
import type { World, WorldOptions } from './world.ts';

const inWorld = (options: WorldOptions, live: (world: World) => Promise<void>) =>
  openWorld(options, async (world) => {
    await world.start();
    await live(world);
  });

it.concurrent(
  'a half-open listener is noticed by its heartbeat and hears again, over TCP',
  { timeout: 120_000 },
  () =>
    inWorld({ tcp: true }, async (world) => {
      const frozen = performance.now();
      for (const listener of world.proxy.links('listener')) listener.freeze();
      await world.daemon.until('listener-lost', ({ event }) => event === 'listener-lost');
      await world.probe();
      // A heartbeat a second, a time-out of four seconds, and the reconnect.
      expect(performance.now() - frozen).toBeLessThan(10_000);
      await world.proxy.heal();
      await expectWhole(world);
    }),
);

it.concurrent(
  'a half-open pool is noticed as well, and clears as soon as it answers',
  { timeout: 120_000 },
  () =>
    inWorld({}, async (world) => {
      world.proxy.freeze('pool');
      const page = await world.enqueue();
      // The first to notice reports it: the heartbeat, or a query that waits for a connection.
      await world.daemon.until('outage', ({ event }) =>
        ['listener-lost', 'database-unavailable'].includes(event),
      );
      await world.proxy.heal();
      await world.gone(page, 15_000);
      await expectWhole(world);
    }),
);

/** The limit in doc/reliability.md for the heartbeat of these tests. */
const promisedMs = 15_000;

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
  { timeout: 120_000 },
  () =>
    inWorld({}, async (world) => {
      await fillPools(world);
      for (const link of world.proxy.links()) link.freeze();
      const ms = await world.probe(45_000);
      console.log(`every connection half-open for good: ${Math.round(ms)} ms until the next clearing`);
      expect(ms).toBeLessThan(promisedMs);
      await world.proxy.heal();
      await expectWhole(world);
    }),
);

it.concurrent(
  'recovers within 15 s when connections are half-open for good and only claims find out',
  { timeout: 120_000 },
  () =>
    // No heartbeat is sent in time.
    inWorld({ heartbeat: '60s' }, async (world) => {
      for (const link of world.proxy.links('pool')) link.freeze();
      expect(await world.probe(45_000)).toBeLessThan(promisedMs);
      await world.proxy.heal();
      await expectWhole(world);
    }),
);

/** A supervisor kills a process that has not ended by then (service/uncached.service allows more). */
const stopWithinMs = 15_000;

it.concurrent(
  'ends with 0 on SIGTERM although every connection is half-open and a claim is under way',
  { timeout: 120_000 },
  () =>
    inWorld({}, async (world) => {
      await world.probe();
      const caught = world.proxy.at('claim', 'request');
      const page = await world.enqueue();
      await caught;
      world.proxy.freeze('all');
      const started = performance.now();
      expect(await world.daemon.stop()).toBe(0);
      expect(performance.now() - started).toBeLessThan(stopWithinMs);
      await world.proxy.heal();
      await world.start();
      await world.gone(page);
    }),
);
