import { beforeEach, expect, it } from 'vitest';
import type { Consumer } from '../../src/clearing/consumer.ts';
import { FakeCache } from './fake-cache.ts';
import { LogWorld, run } from './log-world.ts';

/** A cache, and another behind it that settles two seconds later: a response may be on its way between them. */
const lagMs = 2_000;
let world: LogWorld;
let behindWorld: LogWorld;
let cache: FakeCache;
let behindCache: FakeCache;
let front: Consumer;
let behind: Consumer;

beforeEach(async () => {
  world = new LogWorld();
  behindWorld = new LogWorld();
  behindWorld.rows = world.rows;
  cache = new FakeCache();
  behindCache = Object.assign(new FakeCache(), { readsLog: true, lagMs });
  front = world.follow(cache);
  behind = behindWorld.follow(behindCache, { name: 'behind', after: [front], settleMs: 0 });
  world.append('page', 'p1');
  behindWorld.newest = world.newest;
  for (const { reader } of [front, behind]) await run(() => reader.step());
  for (let times = 0; behind.settledTo < 1 && times < 5; times += 1) {
    for (const one of [front, behind]) await settle(one);
    pass(60_000);
  }
  expect([front.settledTo, behind.settledTo]).toEqual([1, 1]);
  for (const one of [cache, behindCache]) one.cleared();
});

const settle = (consumer: Consumer) => run(() => consumer.settle());
const pass = (ms: number) => {
  world.now += ms;
  behindWorld.now += ms;
};

it('a cache is wiped its lag after the other, when both have joined again', async () => {
  world.state = behindWorld.state = 'wiping';
  for (const one of [front, behind]) one.follow({ settledTo: 1, clearedTo: 1, wiping: true });
  for (const one of [front, behind]) await settle(one);
  pass(10_000);
  await settle(front);
  expect(await settle(behind)).toBe(lagMs);
  expect([cache.cleared(), behindCache.cleared()]).toEqual([['wipe'], []]);
  pass(lagMs);
  await settle(behind);
  expect(behindCache.cleared()).toEqual(['wipe']);
});

it('what is passed on to a cache is cleared again after its lag, however short the settle time', async () => {
  await behindWorld.failing.rows.add([{ id: 1, error: 'passed on' }]);
  pass(1_000);
  await run(() => behind.retries.step());
  expect(await settle(behind)).toBe(lagMs);
  expect(behindCache.cleared()).toEqual(['p1']);
  pass(lagMs - 1);
  expect(await settle(behind)).toBe(1);
  pass(1);
  await settle(behind);
  expect(behindCache.cleared()).toEqual(['p1 again']);
});

it('rows of the log settle without it, where the other has settled them so long ago', async () => {
  behindWorld.append('page', 'p2');
  world.newest = behindWorld.newest;
  await run(() => front.reader.step());
  for (let times = 0; front.settledTo < 2 && times < 5; times += 1) {
    await settle(front);
    pass(60_000);
    await settle(behind);
  }
  pass(lagMs);
  await run(() => behind.reader.step());
  pass(1_000);
  await settle(behind);
  expect(behindCache.cleared()).toEqual(['p2', 'p2 again']);
});
