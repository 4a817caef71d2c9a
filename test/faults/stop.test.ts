import { afterEach, expect, inject, it } from 'vitest';
import { World } from './world.ts';

let world: World;
afterEach(() => world.close());

/** Supervisors kill what has not ended by then (service/uncached.service gives more). */
const stopWithinMs = 15_000;

it('ends with 0 on SIGTERM although every connection is half-open and a claim is under way', {
  timeout: 60_000,
}, async () => {
  world = await World.open(inject('postgres'));
  await world.start();
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
});
