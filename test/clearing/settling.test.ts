import { beforeEach, expect, it } from 'vitest';
import type { Settling } from '../../src/clearing/settling.ts';
import { lookAgainMs, SettlingWorld, settleMs } from './settling-world.ts';

let world: SettlingWorld;
let settling: Settling;

beforeEach(() => {
  world = new SettlingWorld();
  settling = world.start();
});

it('waits the settle time, clears again, and only then advances the cursor', async () => {
  world.clear(1);
  expect(await world.run()).toBe(settleMs);
  world.now += settleMs - 1;
  expect(await world.run()).toBe(1);
  expect(world.done()).toEqual(['snapshot 0 to 1', 'write 0, 1']);
  world.now += 1;
  expect(await world.run()).toBe(null);
  expect(world.done()).toEqual(['clear 1', 'write 1, 1']);
  expect(settling.pending).toBe(false);
});

it('waits for every transaction in the snapshot, and for no later one', async () => {
  world.open.virtual = ['3/1', '4/1'];
  world.clear(1);
  await world.run();
  world.now += 3_600_000;
  world.open.virtual = ['4/1', '5/1'];
  await world.run();
  expect(world.cleared()).toEqual([]);
  expect(settling.held).toBe(1);
  world.open.virtual = ['5/1'];
  world.now += 1_000;
  await world.run();
  expect(settling.held).toBe(0);
  world.now += settleMs;
  expect(await world.run()).toBe(null);
  expect(world.cleared()).toEqual(['clear 1']);
});

it('counts the settle time from the end of the grace, not from the claim', async () => {
  world.open.virtual = ['3/1'];
  world.clear(1);
  await world.run();
  world.now += settleMs * 5;
  world.open.virtual = [];
  expect(await world.run()).toBe(settleMs);
  expect(world.cleared()).toEqual([]);
});

it('waits for what was prepared when the virtual ids were gone', async () => {
  world.open.virtual = ['3/1'];
  world.clear(1);
  await world.run();
  world.open = { virtual: [], prepared: ['700'] };
  world.now += lookAgainMs;
  await world.run();
  world.now += settleMs * 2;
  await world.run();
  expect(world.cleared()).toEqual([]);
  world.open.prepared = ['701'];
  world.now += lookAgainMs;
  expect(await world.run()).toBe(settleMs);
});

it('takes what is cleared later as a cohort of its own, with transactions of its own', async () => {
  world.clear(1);
  await world.run();
  world.now += 4_000;
  world.open.virtual = ['3/1'];
  world.clear(4);
  await world.run();
  world.now += 6_000;
  await world.run();
  expect(world.cleared()).toEqual(['clear 1']);
  world.open.virtual = [];
  world.now += lookAgainMs;
  await world.run();
  world.now += settleMs;
  await world.run();
  expect(world.cleared()).toEqual(['clear 4']);
});

it('settles only what has no gap before it', async () => {
  const first = world.begin(1);
  const second = world.begin(2);
  world.finish(second);
  expect(await world.run()).toBe(null);
  expect(world.done()).toEqual([]);
  world.finish(first);
  await world.run();
  expect(world.done()).toContain('snapshot 0 to 2');
});

it('looks again when a snapshot failed, and no row of it is forgotten', async () => {
  world.clear(1);
  world.failsOnce = 'snapshot';
  await expect(settling.step()).rejects.toThrow('cut');
  expect(settling.pending).toBe(true);
  world.open.virtual = ['9/9'];
  world.clear(2);
  await world.run();
  world.open.virtual = [];
  world.now += lookAgainMs;
  await world.run();
  world.now += settleMs;
  await world.run();
  expect(world.cleared()).toEqual(['clear 2']);
});

it('takes one snapshot for batches that follow each other, and takes it at once after the last', async () => {
  world.clear(1, { more: true });
  expect(await world.run()).toBe(500);
  world.clear(2, { more: true });
  settling.noMore();
  await world.run();
  expect(world.snapshots).toEqual(['snapshot 0 to 2']);

  world.clear(3, { more: true });
  world.now += 499;
  expect(await world.run()).toBe(1);
  world.clear(4);
  await world.run();
  expect(world.snapshots).toEqual(['snapshot 0 to 2', 'snapshot 2 to 4']);
});

it('is not asked for a snapshot by the end of claims that found nothing', async () => {
  world.open.virtual = ['3/1'];
  world.clear(1);
  await world.run();
  const { length } = world.snapshots;
  settling.noMore();
  await world.run();
  expect(world.snapshots).toHaveLength(length);
});

it('goes on with a cohort where its second clearing stood when it failed', async () => {
  world.parts = 3;
  world.clear(9);
  await world.run();
  world.now += settleMs;
  await settling.step();
  world.failsOnce = 'clear';
  await expect(settling.step()).rejects.toThrow('cut');
  expect(settling.settledTo).toBe(3);
  await world.run();
  expect(world.cleared()).toEqual(['clear 9 beyond 0', 'clear 9 beyond 3', 'clear 9 beyond 6']);
  expect(settling.settledTo).toBe(9);
});

it('does not wait for the end of a large cohort: it looks at new rows and writes the cursor meanwhile', async () => {
  world.parts = 3;
  world.clear(9);
  await world.run();
  world.now += settleMs;
  expect(await settling.step()).toBe(0);
  world.clear(10);
  world.now += 1_000;
  expect(await settling.step()).toBe(0);
  expect(world.done().slice(-3)).toEqual(['snapshot 9 to 10', 'clear 9 beyond 3', 'write 6, 10']);
});

it('goes no further than another cache has settled', async () => {
  world.allowedTo = 0;
  world.clear(1);
  await world.run();
  world.now += settleMs;
  expect(await world.run()).toBe(null);
  expect(world.cleared()).toEqual([]);
  world.allowedTo = 1;
  await world.run();
  expect(world.cleared()).toEqual(['clear 1']);
});
