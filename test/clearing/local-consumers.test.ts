import { beforeEach, expect, it } from 'vitest';
import type { Consumer } from '../../src/clearing/consumer.ts';
import { LocalConsumers } from '../../src/clearing/local-consumers.ts';
import { FakeCache, filesSteps } from './fake-cache.ts';
import { LogWorld } from './log-world.ts';

/** Two caches of one process, each with a log of its own that has the same rows. */
let worlds: LogWorld[];
let caches: FakeCache[];
let all: Consumer[];
let consumers: LocalConsumers;

beforeEach(() => {
  worlds = [new LogWorld(), new LogWorld()];
  caches = [new FakeCache(), new FakeCache(filesSteps([{ name: 'page', clear: ['b/{id}'] }]))];
  all = worlds.map((world, at) => world.follow(caches[at] ?? new FakeCache()));
  consumers = new LocalConsumers(all);
});

function append(...keys: string[]) {
  const [rows] = worlds.map((world) => world.append('page', ...keys));
  return rows ?? [];
}

const clear = (...batches: ReturnType<typeof append>[]) =>
  consumers.clearFirst('page', batches, { more: false });
const cleared = () => caches.map((cache) => cache.cleared());

it('gives rows of a claim to every cache, and counts what went and what failed in any of them', async () => {
  const rows = append('p1', 'p2', 'a/b');
  consumers.expect(rows);
  const [first] = caches;
  if (first) first.refused = ['p1'];
  const others = append('p3');
  expect(await clear(rows, others)).toEqual({ files: 3, failed: new Set([1, 3]), untold: new Set([rows]) });
  expect(cleared()).toEqual([['p1 p2'], ['b/p1 b/p2']]);
});

it('clears rows that it was not told of in no cache', async () => {
  expect(await clear(append('p1'))).toBe(undefined);
  expect(cleared()).toEqual([[], []]);
});

it('does not need rows that a cache has read already', async () => {
  const rows = append('p1');
  await all[0]?.reader.step();
  cleared();
  consumers.expect(rows);
  expect(await clear(rows)).toMatchObject({ files: 1, untold: new Set() });
  expect(cleared()).toEqual([[], ['b/p1']]);
});

it('says which batches its first cache needed: it has told of the others', async () => {
  const [read, own] = [append('p1'), append('p2')];
  await all[0]?.reader.step();
  cleared();
  const late = append('p3');
  for (const rows of [read, own, late]) consumers.expect(rows);
  expect(await clear(read, own, late)).toMatchObject({ files: 4, untold: new Set([late]) });
  expect(cleared()).toEqual([['p3'], ['b/p1 b/p2 b/p3']]);
});

it('leaves rows to the log that are given up: in a cache that has not cleared them', async () => {
  const rows = append('p1');
  consumers.expect(rows);
  const [, second] = caches;
  if (second) second.broken = new Error('no');
  await expect(clear(rows)).rejects.toThrow('no');
  consumers.giveUp(rows);
  expect(all.map(({ clearedTo }) => clearedTo)).toEqual([1, 0]);
  if (second) second.broken = undefined;
  cleared();
  for (const { reader } of all) while ((await reader.step()) === 0);
  expect(cleared()).toEqual([[], ['b/p1']]);
});

it('forgets rows that were cleared, or given up', async () => {
  const rows = append('p1');
  consumers.expect(rows);
  await clear(rows);
  expect(await clear(rows)).toBe(undefined);
  const others = append('p2');
  consumers.expect(others);
  consumers.giveUp(others);
  expect(await clear(others)).toBe(undefined);
});

it('passes on that the log may have grown, that a claim may be lost, and that retries are due', () => {
  const asked = (what: 'reader' | 'retries') => all.map((consumer) => consumer[what].wakeup.asked);
  const take = () => {
    for (const { reader, retries } of all) {
      reader.wakeup.take();
      retries.wakeup.take();
    }
  };
  take();
  consumers.wake();
  expect([asked('reader'), asked('retries')]).toEqual([
    [true, true],
    [false, false],
  ]);
  take();
  consumers.recover();
  expect(asked('reader')).toEqual([true, true]);
  take();
  consumers.retry();
  expect([asked('reader'), asked('retries')]).toEqual([
    [false, false],
    [true, true],
  ]);
});

it('settles until the last of them has, and counts what waits where most does', async () => {
  const rows = append('p1', 'p2');
  consumers.expect(rows);
  await clear(rows);
  expect(consumers.settles).toBe(true);
  expect(consumers.pending).toEqual({ rows: 2, held: 0 });
  const settle = async () => {
    for (const one of all) while ((await one.settle()) === 0);
  };
  const [first, second] = worlds;
  if (second) second.open.virtual = ['3/1'];
  await settle();
  expect(consumers.pending).toEqual({ rows: 2, held: 2 });
  if (first) first.now += 10_000;
  await settle();
  expect(consumers.settles).toBe(true);
  if (second) second.open.virtual = [];
  for (let pass = 0; pass < 2; pass++) {
    if (second) second.now += 10_000;
    await settle();
  }
  expect(consumers.settles).toBe(false);
  expect(consumers.pending).toEqual({ rows: 0, held: 0 });
});

it('writes what every one has reached, and nothing once the server is doubted', async () => {
  const rows = append('p1');
  consumers.expect(rows);
  await clear(rows);
  await consumers.flush();
  expect(worlds.map((world) => world.happened())).toEqual([['advance to 0, 1'], ['advance to 0, 1']]);
  consumers.doubt();
  const others = append('p2');
  consumers.expect(others);
  await clear(others);
  await consumers.flush();
  expect(worlds.map((world) => world.happened())).toEqual([[], []]);
});

it('follows when each of them does', () => {
  expect(consumers.isFollowing).toBe(true);
  all[1]?.leave();
  expect(consumers.isFollowing).toBe(false);
});
