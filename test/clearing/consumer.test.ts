import { beforeEach, expect, it } from 'vitest';
import type { Consumer } from '../../src/clearing/consumer.ts';
import { FakeCache, filesSteps } from './fake-cache.ts';
import { LogWorld, run } from './log-world.ts';

let world: LogWorld;
let cache: FakeCache;
let consumer: Consumer;

beforeEach(() => {
  world = new LogWorld();
  cache = new FakeCache();
  consumer = world.follow(cache);
});

const read = () => run(() => consumer.reader.step());
const settle = () => run(() => consumer.settle());

async function settled(): Promise<void> {
  consumer.noMore();
  await settle();
  world.now += 10_000;
  await settle();
}

it('takes a row through its first clearing, its settle time and its second', async () => {
  const rows = world.append('page', 'p1', 'p2');
  expect(consumer.expect(rows)).toBe(true);
  await consumer.clearFirst('page', [rows]);
  expect(cache.cleared()).toEqual(['p1 p2']);
  expect(consumer.settling.asked).toBe(true);
  await settle();
  expect(consumer.pending).toEqual({ settles: true, rows: 2, held: 0 });
  world.now += 10_000;
  expect(await settle()).toBe(null);
  expect(cache.cleared()).toEqual(['p1 p2 again']);
  expect(consumer.pending).toEqual({ settles: false, rows: 0, held: 0 });
  expect(world.settledTo).toBe(2);
  expect(world.told('settled')).toEqual([{ kind: 'settled', rows: 2, files: 2 }]);
});

it('clears batches together, each key once', async () => {
  const [first, second] = [world.append('page', 'p1', 'p2'), world.append('page', 'p2', 'p3')];
  consumer.expect(first);
  consumer.expect(second);
  const outcome = await consumer.clearFirst('page', [first, second]);
  expect(cache.cleared()).toEqual(['p1 p2 p3']);
  expect(outcome).toMatchObject({ files: 3, cleared: [1, 2, 3, 4] });
  expect(consumer.clearedTo).toBe(4);
});

it('counts what is not its handler for cleared', async () => {
  const rows = world.append('images', 'i1');
  consumer.expect(rows);
  expect(await consumer.clearFirst('images', [rows])).toBe(undefined);
  expect(consumer.clearedTo).toBe(1);
});

it('has the reader take what is given up, and what was cleared stays cleared', async () => {
  const [first, second] = [world.append('page', 'p1'), world.append('page', 'p2')];
  consumer.expect(first);
  consumer.expect(second);
  await consumer.clearFirst('page', [first]);
  consumer.giveUp(first);
  consumer.giveUp(second);
  expect(consumer.reader.wakeup.asked).toBe(true);
  await read();
  expect(cache.cleared()).toEqual(['p1', 'p2']);
});

it('does not count rows for cleared whose clearing failed', async () => {
  const rows = world.append('page', 'p1');
  consumer.expect(rows);
  cache.broken = new Error('the thread died');
  await expect(consumer.clearFirst('page', [rows])).rejects.toThrow('the thread died');
  expect(consumer.clearedTo).toBe(0);
  await settle();
  expect(world.happened()).toEqual([]);
});

it('keeps rows for a retry before they count for cleared', async () => {
  const rows = world.append('page', 'p1', 'stuck');
  consumer.expect(rows);
  cache.refused = ['stuck'];
  world.failsOnce = 'fail';
  await expect(consumer.clearFirst('page', [rows])).rejects.toThrow('fail failed');
  expect(consumer.clearedTo).toBe(0);
  await consumer.clearFirst('page', [rows]);
  expect(world.failing.state).toEqual(['2 waits']);
  expect(consumer.clearedTo).toBe(2);
  expect(consumer.retries.wakeup.asked).toBe(true);
});

it('asks for no retry where nothing failed', async () => {
  consumer.retries.wakeup.take();
  const rows = world.append('page', 'p1', 'a/b');
  consumer.expect(rows);
  await consumer.clearFirst('page', [rows]);
  expect(consumer.retries.wakeup.asked).toBe(false);
  expect(world.told('batch-done')).toMatchObject([{ cleared: [1], invalid: [{ id: 2, known: false }] }]);
});

it('wakes the reader for rows that it knows already: they may be others, with ids that were given out twice', async () => {
  const rows = world.append('page', 'p1');
  consumer.expect(rows);
  consumer.reader.wakeup.take();
  expect(consumer.expect(rows)).toBe(false);
  expect(consumer.reader.wakeup.asked).toBe(true);
});

it('begins again at the durable cursor: clears what is beyond it once more, and heeds no older clearing', async () => {
  const rows = world.append('page', 'p1', 'p2');
  consumer.expect(rows);
  cache.held = 'p1';
  const clearing = consumer.clearFirst('page', [rows]);
  consumer.follow({ settledTo: 0, clearedTo: 0, wiping: false });
  cache.release();
  await clearing;
  expect(consumer.clearedTo).toBe(0);
  await read();
  expect(consumer.clearedTo).toBe(2);
  await settled();
  expect(cache.cleared()).toEqual(['p1 p2', 'p1 p2', 'p1 p2 again']);
  expect(world.settledTo).toBe(2);
});

it('does nothing once it has left, and takes no rows', async () => {
  const rows = world.append('page', 'p1');
  consumer.expect(rows);
  consumer.leave();
  expect(consumer.expect(world.append('page', 'p2'))).toBe(false);
  expect(await consumer.clearFirst('page', [rows])).toBe(undefined);
  expect(await settle()).toBe(null);
  expect(await consumer.retries.step()).toBe(null);
  await consumer.flush();
  expect(world.happened()).toEqual([]);
  expect([consumer.isFollowing, consumer.clearedTo, consumer.settledTo]).toEqual([false, 0, 0]);
});

it('notes the first row that its daemon claims while it follows nothing, in whatever order the answers come', () => {
  consumer.leave();
  const [first, second] = [world.append('page', 'p1', 'p2'), world.append('page', 'p3')];
  for (const rows of [second, first]) consumer.expect(rows);
  expect(consumer.missedFrom).toBe(1);
  consumer.follow({ settledTo: 0, clearedTo: 0, wiping: false });
  expect(consumer.missedFrom).toBe(undefined);
});

it.each([
  ['it has expired', () => Object.assign(world, { state: 'expired' })],
  ['its rows were claimed later than it has looked: they are others', () => world.rows.splice(0, 1, late())],
])('loses its place in the second clearing when %s', async (_what, change) => {
  const rows = world.append('page', 'p1');
  consumer.expect(rows);
  await consumer.clearFirst('page', [rows]);
  await settle();
  world.now += 10_000;
  change();
  world.happened();
  await settle();
  expect(world.happened()).toContain('lost');
  expect(cache.cleared()).toEqual(['p1']);
});

const late = () => ({ id: 1, handler: 'page', key: { id: 'other' }, claimedAt: world.time() });

it('wipes what is unknown, is live then, and follows meanwhile', async () => {
  world.state = 'wiping';
  cache = new FakeCache(filesSteps());
  consumer = world.follow(cache);
  const rows = world.append('page', 'p1');
  consumer.expect(rows);
  await consumer.clearFirst('page', [rows]);
  await settled();
  expect(cache.cleared()).toEqual(['p1', 'p1 again', 'wipe']);
  expect(world.state).toBe('live');
});

it('wakes the retries although the answer is lost that a row is kept for them', async () => {
  await run(() => consumer.retries.step());
  consumer.retries.wakeup.take();
  cache.refused = ['p1'];
  world.answerLostOnce = 'fail';
  const rows = world.append('page', 'p1');
  consumer.expect(rows);
  await expect(consumer.clearFirst('page', [rows])).rejects.toThrow('lost');
  expect(consumer.retries.wakeup.asked).toBe(true);
});
