import { beforeEach, expect, it } from 'vitest';
import type { Consumer } from '../../src/clearing/consumer.ts';
import { FakeCache, filesSteps } from './fake-cache.ts';
import { LogWorld, run } from './log-world.ts';

/** A cache, and behind it another one that is wiped where it has over three rows to clear. */
let world: LogWorld;
let behindWorld: LogWorld;
let behindCache: FakeCache;
let front: Consumer;
let behind: Consumer;
let wipe: () => Promise<void>;

beforeEach(() => {
  world = new LogWorld();
  behindWorld = new LogWorld();
  behindWorld.rows = world.rows;
  front = world.follow(new FakeCache(filesSteps([{ name: 'page' }, { name: 'other' }])));
  behindCache = new FakeCache(filesSteps([{ name: 'page', clear: ['{id}'] }]));
  behindCache.wipesOver = 3;
  wipe = async () => void behindCache.done.push('wipe');
  behind = behindWorld.follow(behindCache, { name: 'behind', after: [front], batch: 2, wipe: () => wipe() });
});

const pages = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, nth) => `p${from + nth}`);

async function append(handler: string, keys: string[]): Promise<void> {
  world.append(handler, ...keys);
  behindWorld.newest = world.newest;
  await run(() => front.reader.step());
}

const read = () => run(() => behind.reader.step());
const counts = () => behindWorld.happened().filter((call) => call.startsWith('count'));

/** Both settle what they have cleared, the one behind as far as it may. */
async function settle(): Promise<void> {
  for (let step = 0; step < 3; step++) {
    for (const consumer of [front, behind]) await run(() => consumer.settle());
    world.now += 20_000;
    behindWorld.now += 20_000;
  }
}

it('wipes once in each round where too many rows are behind, and clears none of them', async () => {
  await append('page', pages(1, 100));
  await read();
  expect(behindCache.cleared()).toEqual(['wipe']);
  expect(behind.clearedTo).toBe(100);
  expect(behindWorld.told('notice')).toEqual([
    { kind: 'notice', text: 'behind has over 3 rows to clear: all of it is cleared instead' },
  ]);
  await settle();
  expect(behindCache.cleared()).toEqual(['wipe']);
  expect(behindWorld.settledTo).toBe(100);
  expect(behindWorld.told('settled')).toEqual([{ kind: 'settled', rows: 100, files: 0 }]);
});

it('clears as many as it may one by one', async () => {
  await append('page', pages(1, 3));
  await read();
  await settle();
  expect(behindCache.cleared()).toEqual(['p1 p2', 'p3', 'p1 p2 p3 again']);
  expect(counts()).toEqual([]);
});

it('wipes for the second time after the waits, and not before the cache in front of it has settled', async () => {
  await append('page', pages(1, 4));
  await read();
  for (let step = 0; step < 3; step++) {
    behindWorld.now += 20_000;
    await run(() => behind.settle());
  }
  expect(behindCache.cleared()).toEqual(['wipe']);
  await settle();
  expect(behindCache.cleared()).toEqual(['wipe']);
});

it('clears rows that come while it is wiped afterwards', async () => {
  await append('page', pages(1, 4));
  wipe = async () => {
    behindCache.done.push('wipe');
    await append('page', ['p5']);
  };
  await read();
  expect(behindCache.cleared()).toEqual(['wipe', 'p5']);
});

it('does not count rows of handlers that clear nothing there, and counts a long range once', async () => {
  await append('other', pages(1, 50));
  await append('page', pages(51, 53));
  await read();
  expect(counts()).toEqual(['count 0 to 53']);
  expect(behindCache.cleared()).toEqual(['p51 p52', 'p53']);
  await settle();
  expect(behindCache.cleared()).toEqual(['p51 p52 p53 again']);
  await append('page', pages(54, 57));
  await read();
  expect(behindCache.cleared()).toEqual(['wipe']);
});

it('counts again where it begins again', async () => {
  await append('other', pages(1, 50));
  await read();
  behindWorld.happened();
  behind.follow({ settledTo: 0, clearedTo: 0, wiping: false });
  await read();
  expect(counts()).toEqual(['count 0 to 50']);
});

it('has cleared nothing where the wipe fails', async () => {
  await append('page', pages(1, 10));
  wipe = () => Promise.reject(new Error('it is down'));
  await expect(read()).rejects.toThrow('it is down');
  expect(behind.clearedTo).toBe(0);
  wipe = async () => void behindCache.done.push('wipe');
  await read();
  expect(behindCache.cleared()).toEqual(['wipe']);
  wipe = () => Promise.reject(new Error('it is down'));
  await expect(settle()).rejects.toThrow('it is down');
  expect(behind.settledTo).toBe(0);
});

it('settles no row that has not had its grace: it looks at each, though it clears none', async () => {
  await append('page', pages(1, 20));
  await read();
  for (let step = 0; step < 3; step++) {
    await run(() => front.settle());
    world.now += 20_000;
  }
  behindWorld.now += 1_000;
  await run(() => behind.settle());
  // A crash of the server has given an id to a row of a later claim.
  const last = world.rows.at(-1) ?? expect.fail('no row');
  world.rows.splice(-1, 1, { ...last, claimedAt: String(behindWorld.now + 1_000).padStart(12, '0') });
  behindWorld.now += 20_000;
  behindCache.cleared();
  await run(() => behind.settle());
  expect(behindCache.cleared()).toEqual([]);
  expect(behindWorld.happened()).toContain('lost');
  expect(behind.settledTo).toBe(0);
});

it('has no limit of its own', async () => {
  behindCache.wipesOver = undefined;
  await append('page', pages(1, 10));
  await read();
  expect(counts()).toEqual([]);
  expect(behindCache.cleared()).toEqual(['p1 p2', 'p3 p4', 'p5 p6', 'p7 p8', 'p9 p10']);
});
