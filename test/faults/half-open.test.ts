import { afterEach, expect, inject, it } from 'vitest';
import { expectWhole } from './whole.ts';
import { World } from './world.ts';

let world: World;
afterEach(() => world.close());

it.each([false, true])(
  'notices a half-open listener by its heartbeat and hears again (TCP: %s)',
  async (tcp) => {
    world = await World.open(inject('postgres'), { tcp });
    await world.start();
    for (const listener of world.proxy.links('listener')) listener.freeze();
    // A heartbeat a second, four seconds of patience, and the way back.
    expect(await world.probe()).toBeLessThan(10_000);
    expect(world.daemon.log.map(({ event }) => event)).toContain('listener-lost');
    await world.proxy.heal();
    await expectWhole(world);
  },
);

it('is not deaf when only the pool is half-open, and clears as soon as it answers', async () => {
  world = await World.open(inject('postgres'));
  await world.start();
  world.proxy.freeze('pool');
  const page = await world.enqueue();
  await world.daemon.until('listener-lost', ({ event }) => event === 'listener-lost');
  await world.proxy.heal();
  await world.gone(page, 15_000);
  await expectWhole(world);
});

it('recovers within 15 s when every connection is half-open for good and new ones work', {
  timeout: 60_000,
}, async () => {
  world = await World.open(inject('postgres'));
  await world.start();
  for (const link of world.proxy.links()) link.freeze();
  const ms = await world.probe(45_000);
  console.log(`every connection half-open for good: ${Math.round(ms)} ms until the next clearing`);
  await world.proxy.heal();
  await expectWhole(world);
  expect(ms).toBeLessThan(15_000);
});
