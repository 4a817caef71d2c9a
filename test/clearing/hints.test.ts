import { setImmediate } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import type { Consumer } from '../../src/clearing/consumer.ts';
import { LocalConsumers } from '../../src/clearing/local-consumers.ts';
import { FakeCache, filesSteps } from './fake-cache.ts';
import { LogWorld } from './log-world.ts';

let world: LogWorld;
let cache: FakeCache;
let consumer: Consumer;
let waits: { ms: number; end: () => void }[];

beforeEach(() => {
  world = new LogWorld();
  cache = new FakeCache();
  cache.takesHints = true;
  waits = [];
  const wait = (ms: number) => new Promise<void>((end) => waits.push({ ms, end }));
  consumer = world.follow(cache, { clock: { now: () => world.now, wait } });
});

const hint = async (id: string | null) => {
  consumer.hint('page', { id });
  await setImmediate();
};

it('deletes at once what the key names, and clears its row like any other', async () => {
  await hint('p1');
  expect(cache.cleared()).toEqual(['p1']);
  const rows = world.append('page', 'p1');
  consumer.expect(rows);
  await consumer.clearFirst('page', [rows]);
  expect(cache.cleared()).toEqual(['p1']);
  expect(consumer.clearedTo).toBe(1);
});

it('counts its files with the next row of the handler, once', async () => {
  await hint('p1');
  await hint('p2');
  const clear = async (id: string) => {
    const rows = world.append('page', id);
    consumer.expect(rows);
    return (await consumer.clearFirst('page', [rows]))?.files;
  };
  expect(await clear('p1')).toBe(3);
  expect(await clear('p2')).toBe(1);
  expect(world.told('batch-done').map(({ files }) => files)).toEqual([3, 1]);
});

it('takes two at a time, and those that come meanwhile are left to their rows', async () => {
  cache.held = 'p1';
  await hint('p1');
  expect(consumer.takesHints).toBe(true);
  cache.held = 'p2';
  await hint('p2');
  expect(consumer.takesHints).toBe(false);
  await hint('p3');
  expect(cache.cleared()).toEqual([]);
  cache.release();
  await setImmediate();
  expect(cache.cleared()).toEqual(['p2']);
  await hint('p4');
  expect(cache.cleared()).toEqual(['p4']);
});

it('holds up the clearing of rows for a moment at most, if it hangs', async () => {
  cache.held = 'p1';
  await hint('p1');
  const rows = world.append('page', 'p2');
  consumer.expect(rows);
  const clearing = consumer.clearFirst('page', [rows]);
  await setImmediate();
  expect(waits.map(({ ms }) => ms)).toEqual([250]);
  for (const { end } of waits) end();
  expect((await clearing)?.files).toBe(1);
  // What it deletes in the end is counted later.
  cache.release();
  await setImmediate();
  const later = world.append('page', 'p3');
  consumer.expect(later);
  expect((await consumer.clearFirst('page', [later]))?.files).toBe(2);
});

it('rests after a hint that deleted nothing, so that a flood of false ones costs little', async () => {
  cache.held = 'p1';
  cache.refused = ['p1'];
  await hint('p1');
  world.now += 5;
  cache.release();
  await setImmediate();
  world.now += 39;
  expect(consumer.takesHints).toBe(false);
  world.now += 1;
  expect(consumer.takesHints).toBe(true);
  // One that deleted something is followed by the next.
  cache.held = 'p2';
  await hint('p2');
  world.now += 5;
  cache.release();
  await setImmediate();
  expect(consumer.takesHints).toBe(true);
});

it('is nothing to anybody if it fails, or its key names no page', async () => {
  cache.broken = new Error('the disk is gone');
  await hint('p1');
  cache.broken = undefined;
  await hint(null);
  await hint('../p');
  expect(cache.cleared()).toEqual([]);
  expect(world.events).toEqual([]);
  expect(consumer.takesHints).toBe(true);
});

it('deletes what those lines name that the key fits', async () => {
  const dated = new FakeCache(filesSteps([{ clear: ['{id}', 'days/{id:%Y}'] }]));
  dated.takesHints = true;
  world.follow(dated).hint('page', { id: 'p1' });
  await setImmediate();
  expect(dated.cleared()).toEqual(['p1']);
});

it('is not taken by a cache that does not follow, or that asks others', async () => {
  consumer.leave();
  await hint('p1');
  const target = new FakeCache();
  const consumers = new LocalConsumers([consumer, world.follow(target)]);
  expect(consumers.takeHints).toBe(false);
  consumers.hint('page', { id: 'p1' });
  await setImmediate();
  expect([cache.cleared(), target.cleared()]).toEqual([[], []]);
});
