import { expect, inject, it } from 'vitest';
import { expectWhole } from './whole.ts';
import { World, type WorldOptions } from './world.ts';

/** These wait for time-outs: side by side, each in a world of its own. */
async function inWorld(options: WorldOptions, live: (world: World) => Promise<void>): Promise<void> {
  const world = await World.open(inject('postgres'), options);
  try {
    await world.start();
    await live(world);
  } finally {
    await world.close();
  }
}

it.concurrent(
  'a half-open listener is noticed by its heartbeat and hears again, over TCP',
  { timeout: 60_000 },
  () =>
    inWorld({ tcp: true }, async (world) => {
      const frozen = performance.now();
      for (const listener of world.proxy.links('listener')) listener.freeze();
      await world.daemon.until('listener-lost', ({ event }) => event === 'listener-lost');
      await world.probe();
      // A heartbeat a second, four seconds of patience, and the way back.
      expect(performance.now() - frozen).toBeLessThan(10_000);
      await world.proxy.heal();
      await expectWhole(world);
    }),
);

it.concurrent(
  'a half-open pool is noticed as well, and clears as soon as it answers',
  { timeout: 60_000 },
  () =>
    inWorld({}, async (world) => {
      world.proxy.freeze('pool');
      const page = await world.enqueue();
      await world.daemon.until('listener-lost', ({ event }) => event === 'listener-lost');
      await world.proxy.heal();
      await world.gone(page, 15_000);
      await expectWhole(world);
    }),
);

it.concurrent(
  'recovers within 15 s when every connection is half-open for good and new ones work',
  { timeout: 90_000 },
  () =>
    inWorld({}, async (world) => {
      for (const link of world.proxy.links()) link.freeze();
      const ms = await world.probe(45_000);
      console.log(`every connection half-open for good: ${Math.round(ms)} ms until the next clearing`);
      expect(ms).toBeLessThan(15_000);
      await world.proxy.heal();
      await expectWhole(world);
    }),
);

/** Supervisors kill what has not ended by then (service/uncached.service gives more). */
const stopWithinMs = 15_000;

it.concurrent(
  'ends with 0 on SIGTERM although every connection is half-open and a claim is under way',
  { timeout: 60_000 },
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
