import { beforeEach, expect, it } from 'vitest';
import { RootWorld } from './root-world.ts';

/** The second wipe, which settling asks for (clearing/settling.ts). */
let world: RootWorld;
beforeEach(() => {
  world = new RootWorld();
  world.state = 'new';
});

const refused = [{ pattern: 'news/*', path: 'news/odd', code: 'EACCES', message: 'no' }];
const soon = () => new Promise((resolve) => setImmediate(resolve));

it('clears everything once more, and does not tell of another wipe', async () => {
  const root = world.start();
  await root.step(60_000);
  world.done();
  await root.wipeAgain();
  expect(world.done()).toEqual(['cleared news/* in 1:1']);
  expect(world.told).toEqual(['cache-wiped']);
  await root.step(60_000);
  expect(world.done()).toEqual(['registered']);
});

it('waits while root is not there', async () => {
  const root = world.start();
  let wiped = false;
  const wiping = root.wipeAgain().then(() => {
    wiped = true;
  });
  await soon();
  expect(wiped).toBe(false);
  await root.step(60_000);
  await wiping;
  expect(world.done().filter((event) => event.startsWith('cleared'))).toHaveLength(2);
});

it('has what is left recorded before it counts for done, and tried again soon', async () => {
  const root = world.start();
  await root.step(60_000);
  world.done();
  world.failures = refused;
  root.wakeup.take();
  await root.wipeAgain();
  expect(world.done()).toEqual(['cleared news/* in 1:1', 'marked', 'registered']);
  expect(world.marker?.left).toEqual(['news/odd']);
  expect(root.wakeup.asked).toBe(true);
  expect(await root.step(60_000)).toBeLessThanOrEqual(1_000);
  world.failures = [];
  world.now += 1_000;
  await root.step(60_000);
  expect(world.marker?.left).toEqual([]);
  expect(world.told).toEqual(['cache-wiped', 'wipe-failed', 'wipe-completed']);
});

it('fails where it could not be done at all, and is done by the next one', async () => {
  const root = world.start();
  await root.step(60_000);
  world.broken = true;
  await expect(root.wipeAgain()).rejects.toThrow('the worker died');
  world.broken = false;
  world.done();
  await root.wipeAgain();
  expect(world.done()).toEqual(['cleared news/* in 1:1']);
});

it('begins when the first one has ended, and neither forgets what the other has left', async () => {
  let end = () => {};
  world.clearing = new Promise((resolve) => {
    end = resolve;
  });
  world.failures = refused;
  const root = world.start();
  const first = root.step(60_000);
  await soon();
  const second = root.wipeAgain();
  await soon();
  expect(world.asked).toBe(1);
  end();
  await Promise.all([first, second]);
  expect(world.done().filter((event) => event.startsWith('cleared'))).toHaveLength(2);
  expect(world.marker?.left).toEqual(['news/odd']);
});
