import { beforeEach, expect, it } from 'vitest';
import type { Consumer } from '../../src/clearing/consumer.ts';
import { FakeCache, filesSteps } from './fake-cache.ts';
import { LogWorld, run } from './log-world.ts';

/** Rows that have been cleared once, and are now cleared for the second time. */
let world: LogWorld;
let cache: FakeCache;
let consumer: Consumer;

beforeEach(() => {
  world = new LogWorld();
  cache = new FakeCache();
  consumer = world.follow(cache);
});

const settle = () => run(() => consumer.settle());

/** The first clearing, and the time until the second one. */
async function claimed(...keys: string[]): Promise<void> {
  const rows = world.append('page', ...keys);
  consumer.expect(rows);
  await consumer.clearFirst('page', [rows]);
  await settle();
  world.now += 10_000;
  cache.cleared();
  world.happened();
  world.events.splice(0);
}

it('clears each key once, however many rows have it, and after the first clearings of others', async () => {
  await claimed('p1', 'p2', 'p1');
  await settle();
  // `again`: in the background.
  expect(cache.cleared()).toEqual(['p1 p2 again']);
  expect(world.told('settled')).toEqual([{ kind: 'settled', rows: 3, files: 2 }]);
});

it('keeps a row with an invalid key after its second clearing, and does not report it again', async () => {
  await claimed('p1', 'a/b');
  expect(world.failing.state).toEqual([]);
  await settle();
  expect(world.failing.state).toEqual(['2 invalid']);
  expect(world.settledTo).toBe(2);
  expect(world.events).toMatchObject([
    { kind: 'batch-done', consumer: 'files', cleared: [1], failures: [], invalid: [{ id: 2, known: true }] },
    { kind: 'settled', rows: 2 },
  ]);
});

it('keeps a row whose second clearing fails for a retry, and settles the others', async () => {
  await claimed('p1', 'stuck');
  cache.refused = ['stuck'];
  await settle();
  expect(world.failing.state).toEqual(['2 waits']);
  expect(world.settledTo).toBe(2);
  expect(world.events).toMatchObject([
    { kind: 'batch-done', cleared: [1], failures: [{ id: 2, code: 'EIO' }] },
    { kind: 'settled', rows: 1 },
  ]);
});

it('leaves out rows that fail already: they settle for themselves', async () => {
  cache.refused = ['stuck'];
  await claimed('p1', 'stuck');
  cache.refused = [];
  await settle();
  expect(cache.cleared()).toEqual(['p1 again']);
  expect(world.failing.state).toEqual(['2 waits']);
});

it('settles nothing of a part whose clearing fails as a whole', async () => {
  await claimed('p1');
  cache.broken = new Error('the thread died');
  await expect(settle()).rejects.toThrow('the thread died');
  expect([consumer.settledTo, world.settledTo]).toEqual([0, 0]);
  cache.broken = undefined;
  await settle();
  expect(world.settledTo).toBe(1);
});

it('settles nothing of a part whose failures could not be kept', async () => {
  await claimed('stuck');
  cache.refused = ['stuck'];
  world.failsOnce = 'fail';
  await expect(settle()).rejects.toThrow('fail failed');
  expect(consumer.settledTo).toBe(0);
});

it('reads a large cohort in parts, and clears as many together as it may keep in memory', async () => {
  consumer = world.follow(cache, { batch: 1 });
  await claimed(...Array.from({ length: 30 }, (_, nth) => `p${nth + 1}`));
  expect(await consumer.settle()).toBe(0);
  // Twenty batches; an answer has five rows here.
  expect(world.happened().filter((call) => call.startsWith('read again'))).toEqual([
    'read again 0 to 30',
    'read again 5 to 30',
    'read again 10 to 30',
    'read again 15 to 30',
  ]);
  expect(consumer.settledTo).toBe(20);
  await settle();
  expect(cache.cleared().map((one) => one.split(' ').length - 1)).toEqual([20, 10]);
  expect(consumer.settledTo).toBe(30);
});

it('passes over rows of handlers that it does not know', async () => {
  cache = new FakeCache(filesSteps([{ name: 'page' }]));
  consumer = world.follow(cache);
  const rows = world.append('images', 'i1');
  consumer.expect(rows);
  await consumer.clearFirst('images', [rows]);
  await settle();
  world.now += 10_000;
  await settle();
  expect(cache.cleared()).toEqual([]);
  expect(world.settledTo).toBe(1);
});

it('wakes the retries when a row fails only now', async () => {
  await claimed('p1', 'p2');
  await consumer.retries.step();
  consumer.retries.wakeup.take();
  cache.refused = ['p2'];
  await settle();
  expect(world.failing.state).toEqual(['2 waits']);
  expect(consumer.retries.wakeup.asked).toBe(true);
});

/** Its first clearing fails, its retry succeeds, and its second clearing is due. */
async function failAtFirst(key: string): Promise<void> {
  cache.refused = [key];
  const rows = world.append('page', key);
  consumer.expect(rows);
  await consumer.clearFirst('page', [rows]);
  cache.refused = [];
  world.now += 1_000;
  await run(() => consumer.retries.step());
  await settle();
  world.now += 10_000;
}

it('keeps a row that has become due while it was cleared for the last time', async () => {
  await failAtFirst('p1');
  // The cache before this one passes it on.
  world.during = (call) => {
    const row = call === 'remove' && world.failing.all.get(1);
    if (row) Object.assign(row, { cohort: undefined, retryAt: world.now });
  };
  await settle();
  expect(world.failing.state).toEqual(['1 waits']);
});

it('passes on a row of which a part is invalid, too', async () => {
  cache = new FakeCache(filesSteps([{ name: 'page', clear: ['{id}', '{id:path}'] }]));
  consumer = world.follow(cache);
  new LogWorld().follow(new FakeCache(), { after: [consumer] });
  await failAtFirst('a/b');
  world.happened();
  await settle();
  expect(world.happened()).toContain('pass on 1');
  expect(world.failing.state).toEqual(['1 invalid']);
});
