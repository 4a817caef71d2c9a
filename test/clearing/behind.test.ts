import { beforeEach, describe, expect, it } from 'vitest';
import type { Consumer } from '../../src/clearing/consumer.ts';
import { LocalConsumers } from '../../src/clearing/local-consumers.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { FakeCache, filesSteps } from './fake-cache.ts';
import { LogWorld, run } from './log-world.ts';

/** A cache, and another behind it. A page cleared there would come back from this one. */
let world: LogWorld;
let behindWorld: LogWorld;
let cache: FakeCache;
let behindCache: FakeCache;
let front: Consumer;
let behind: Consumer;
let consumers: LocalConsumers;
let order: string[];

beforeEach(() => {
  world = new LogWorld();
  behindWorld = new LogWorld();
  // One log, in which each has its own place.
  behindWorld.rows = world.rows;
  order = [];
  cache = new FakeCache(filesSteps([{ name: 'page' }, { name: 'other' }]));
  behindCache = new FakeCache(filesSteps([{ name: 'page', clear: ['{id}'] }]));
  for (const [name, one] of [['front', cache] as const, ['behind', behindCache] as const]) {
    const clear = one.clear.bind(one);
    one.clear = (works, how) => {
      order.push(`${name} ${[...works].flat().join(' ')}${how?.background ? ' again' : ''}`);
      return clear(works, how);
    };
  }
  front = world.follow(cache);
  behind = behindWorld.follow(behindCache, { name: 'behind', after: [front] });
  consumers = new LocalConsumers([front, behind]);
  for (const { reader } of consumers.all) reader.wakeup.take();
});

function append(handler: string, ...keys: string[]) {
  const rows = world.append(handler, ...keys);
  behindWorld.newest = world.newest;
  return rows;
}

const read = (consumer: Consumer) => run(() => consumer.reader.step());
const settle = (consumer: Consumer) => run(() => consumer.settle());
const pass = (ms: number) => {
  world.now += ms;
  behindWorld.now += ms;
};

it('clears rows of a claim in one after the other, and what a handler has there only', async () => {
  const [first, second] = [append('page', 'p1'), append('other', 'o1')];
  for (const rows of [first, second]) consumers.expect(rows);
  expect(await consumers.clearFirst('page', [first], { more: false })).toMatchObject({ files: 2 });
  expect(await consumers.clearFirst('other', [second], { more: false })).toMatchObject({ files: 1 });
  expect(order).toEqual(['front p1', 'behind p1', 'front o1']);
  expect([front.clearedTo, behind.clearedTo]).toEqual([2, 2]);
});

it('reads no further than the other has cleared, and is woken when it has', async () => {
  append('page', 'p1', 'p2');
  // It looks again for a while: a claim may have begun before it was registered.
  expect(await read(behind)).toBe(usualTimings.recovery.rescanMs);
  expect(behindWorld.happened()).toEqual([]);
  await read(front);
  expect(behind.reader.wakeup.asked).toBe(true);
  await read(behind);
  expect(behindWorld.happened()[0]).toBe('read 0 to 2');
  expect(order).toEqual(['front p1 p2', 'behind p1 p2']);
});

it('is woken for what it gave up once the other has cleared all before it', async () => {
  const [slow, failing] = [append('other', 'o1'), append('page', 'p1')];
  for (const rows of [slow, failing]) consumers.expect(rows);
  behindCache.broken = new Error('the program is missing');
  await expect(consumers.clearFirst('page', [failing], { more: false })).rejects.toThrow('missing');
  consumers.giveUp(failing);
  behind.reader.wakeup.take();
  await read(behind);
  expect(behindWorld.happened()).toEqual([]);
  behindCache.broken = undefined;
  await consumers.clearFirst('other', [slow], { more: false });
  expect(behind.reader.wakeup.asked).toBe(true);
  await read(behind);
  expect(behind.clearedTo).toBe(2);
});

it('is not woken by rows that come to it anyway', async () => {
  const rows = append('page', 'p1');
  consumers.expect(rows);
  await consumers.clearFirst('page', [rows], { more: false });
  expect(behind.reader.wakeup.asked).toBe(false);
});

describe('a cache that reads the log', () => {
  beforeEach(() => {
    Object.assign(behindCache, { readsLog: true, lagMs: 2_000 });
    behind = behindWorld.follow(behindCache, { name: 'behind', after: [front] });
    consumers = new LocalConsumers([front, behind]);
    behind.reader.wakeup.take();
  });

  it('holds up no claim, and is woken for its rows', async () => {
    behindCache.held = 'p1';
    const rows = append('page', 'p1');
    consumers.expect(rows);
    await consumers.clearFirst('page', [rows], { more: false });
    expect([front.clearedTo, behind.clearedTo]).toEqual([1, 0]);
    expect(behind.reader.wakeup.asked).toBe(true);
    const reading = read(behind);
    await Promise.resolve();
    behindCache.release();
    await reading;
    await read(behind);
    expect(behind.clearedTo).toBe(1);
  });

  it('settles its lag after the other', async () => {
    append('page', 'p1');
    await read(front);
    await read(behind);
    pass(usualTimings.settling.gatherMs);
    await settle(front);
    await settle(behind);
    pass(10_000);
    await settle(front);
    expect(front.settledTo).toBe(1);
    expect(await settle(behind)).toBe(2_000);
    pass(2_000);
    order = [];
    await settle(behind);
    expect(order).toEqual(['behind p1 again']);
    expect(behind.settledTo).toBe(1);
  });
});

it('settles after the other, and is woken when that has settled', async () => {
  const rows = append('page', 'p1');
  consumers.expect(rows);
  await consumers.clearFirst('page', [rows], { more: false });
  await settle(front);
  await settle(behind);
  pass(10_000);
  order = [];
  expect(await settle(behind)).toBe(null);
  expect(behind.pending.settles).toBe(true);
  behind.settling.take();
  await settle(front);
  expect(behind.settling.asked).toBe(true);
  await settle(behind);
  expect(order).toEqual(['front p1 again', 'behind p1 again']);
});

it('tells of a first clearing once, for the first of them', async () => {
  append('page', 'p1');
  await read(front);
  await read(behind);
  expect(world.told('cleared')).toHaveLength(1);
  expect(behindWorld.told('cleared')).toEqual([]);
  expect(behindWorld.told('batch-done')).toMatchObject([{ consumer: 'behind', cleared: [1] }]);
});

it('clears again what failed in the other at first: when that is cleared there, and when it is settled', async () => {
  cache.refused = ['p1'];
  const rows = append('page', 'p1');
  consumers.expect(rows);
  await consumers.clearFirst('page', [rows], { more: false });
  cache.refused = [];
  pass(1_000);
  const passesOn = async (step: () => Promise<unknown>) => {
    world.happened();
    behind.retries.wakeup.take();
    await step();
    return [world.happened().filter((call) => call.startsWith('pass on')), behind.retries.wakeup.asked];
  };
  expect(await passesOn(() => run(() => front.retries.step()))).toEqual([['pass on 1'], true]);
  await settle(front);
  pass(10_000);
  // Before the row is gone, after which nobody would know of it.
  world.during = (call) => {
    if (call === 'pass on') expect(world.failing.state).toEqual(['1 in 1']);
  };
  expect(await passesOn(() => settle(front))).toEqual([['pass on 1'], true]);
  expect(world.failing.state).toEqual([]);
});

it('has what is further behind look for such rows, too, whether or not the one in the middle has them', async () => {
  const outerCache = new FakeCache(filesSteps([{ name: 'other' }]));
  const outer = new LogWorld().follow(outerCache, { name: 'outer', after: [behind] });
  cache.refused = ['o1'];
  const rows = append('other', 'o1');
  consumers.expect(rows);
  await consumers.clearFirst('other', [rows], { more: false });
  cache.refused = [];
  pass(1_000);
  outer.retries.wakeup.take();
  await run(() => front.retries.step());
  expect(outer.retries.wakeup.asked).toBe(true);
});

it('does not settle while the content of the other is unknown', async () => {
  front.follow({ settledTo: 0, clearedTo: 0, wiping: true });
  behind.follow({ settledTo: 0, clearedTo: 0, wiping: true });
  behindWorld.state = 'wiping';
  for (const one of [front, behind]) await settle(one);
  pass(10_000);
  await settle(behind);
  expect(behindCache.cleared()).toEqual([]);
  world.state = 'wiping';
  await settle(front);
  await settle(behind);
  expect([cache.cleared(), behindCache.cleared()]).toEqual([['wipe'], ['wipe']]);
});

it('holds up nobody when it is broken: the other settles, and goes on', async () => {
  behindCache.broken = new Error('no');
  append('page', 'p1');
  await read(front);
  await expect(read(behind)).rejects.toThrow('no');
  front.noMore();
  await settle(front);
  pass(10_000);
  await settle(front);
  expect(front.settledTo).toBe(1);
  expect(behind.settledTo).toBe(0);
});
