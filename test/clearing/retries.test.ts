import { beforeEach, expect, it } from 'vitest';
import type { Consumer } from '../../src/clearing/consumer.ts';
import { FakeCache } from './fake-cache.ts';
import { LogWorld, run } from './log-world.ts';

let world: LogWorld;
let cache: FakeCache;
let consumer: Consumer;

beforeEach(async () => {
  world = new LogWorld();
  cache = new FakeCache();
  consumer = world.follow(cache);
  await retry();
});

const retry = () => run(() => consumer.retries.step());
const settle = () => run(() => consumer.settle());

/** Rows that could not be cleared, and whose retry is due. */
async function failed(...keys: string[]): Promise<void> {
  cache.refused = keys;
  const rows = world.append('page', ...keys);
  consumer.expect(rows);
  await consumer.clearFirst('page', [rows]);
  cache.refused = [];
  world.now += 1_000;
  cache.cleared();
  world.events.splice(0);
}

async function settled(): Promise<void> {
  await settle();
  world.now += 10_000;
  await settle();
}

it('clears what is due, settles it for itself, and only then deletes it', async () => {
  await failed('p1', 'p2');
  expect(await retry()).toBe(null);
  expect(cache.cleared()).toEqual(['p1 p2']);
  expect(world.failing.state).toEqual(['1 in 1', '2 in 1']);
  expect(consumer.settling.asked).toBe(true);
  await settled();
  expect(cache.cleared()).toEqual(['p1 p2 again']);
  expect(world.failing.state).toEqual([]);
});

it('tells when the next is due', async () => {
  await failed('p1');
  world.now -= 400;
  expect(await retry()).toBe(400);
  expect(cache.cleared()).toEqual([]);
});

it('keeps what fails again, in the retry or in its second clearing', async () => {
  await failed('p1', 'p2');
  cache.refused = ['p1'];
  await retry();
  expect(world.failing.state).toEqual(['1 waits', '2 in 1']);
  expect(world.told('batch-done')).toMatchObject([{ cleared: [2], failures: [{ id: 1 }] }]);
  cache.refused = ['p2'];
  await settled();
  expect(world.failing.state).toEqual(['1 waits', '2 waits']);
});

it('waits for the grace of the retry, not of the first clearing', async () => {
  await failed('p1');
  await settled();
  world.open.virtual = ['3/1'];
  await retry();
  await settled();
  expect(world.failing.state).toEqual(['1 in 1']);
  world.open.virtual = [];
  world.now += 250;
  await settled();
  expect(world.failing.state).toEqual([]);
});

it('keeps apart what settles later, and settles more rows than fit a statement', async () => {
  await failed('p1', 'p2', 'p3');
  await retry();
  await settle();
  await failed('p4');
  await retry();
  expect(world.failing.state).toEqual(['1 in 1', '2 in 1', '3 in 1', '4 in 2']);
  world.now += 9_000;
  await settle();
  expect(world.failing.state).toEqual(['4 in 2']);
});

it('reports an invalid row once, settles what else it names, and keeps it where a retry does not help', async () => {
  await failed('a/b');
  world.failing.all.set(1, {
    ...{ id: 1, handler: 'page', key: { id: 'a/b' } },
    ...{ attempts: 0, invalid: false, cohort: undefined, retryAt: world.now },
  });
  await retry();
  expect(world.failing.state).toEqual(['1 in 1']);
  await settled();
  expect(world.failing.state).toEqual(['1 invalid']);
  // It has settled, and need not do so again.
  const row = world.failing.all.get(1);
  if (row) row.retryAt = world.now;
  await retry();
  expect(world.failing.state).toEqual(['1 invalid']);
  expect(world.told('batch-done')).toMatchObject(
    [false, true, true].map((known) => ({ cleared: [], invalid: [{ id: 1, known }] })),
  );
});

it('makes everything due at a start, and later what was to settle when it began again', async () => {
  expect(world.happened()).toEqual(['restart all', 'due']);
  await failed('p1');
  await retry();
  world.happened();
  consumer.retries.wakeup.take();
  consumer.follow({ settledTo: 0, clearedTo: 0, wiping: false });
  expect(consumer.retries.wakeup.asked).toBe(true);
  await retry();
  expect(world.happened().slice(0, 2)).toEqual(['restart cohorts', 'due']);
  expect(cache.cleared()).toEqual(['p1', 'p1']);
  await retry();
  expect(world.happened()).toEqual(['due']);
});

it('makes it due again when that failed', async () => {
  consumer = world.follow(cache);
  world.failsOnce = 'restart';
  await expect(retry()).rejects.toThrow('restart failed');
  world.happened();
  await retry();
  expect(world.happened()[0]).toBe('restart all');
});

it('does not lose rows whose number was written, but whose answer was lost', async () => {
  await failed('p1');
  world.answerLostOnce = 'settle later';
  await expect(retry()).rejects.toThrow('is lost');
  expect(world.failing.state).toEqual(['1 in 1']);
  await retry();
  await settled();
  expect(world.failing.state).toEqual([]);
});

it('passes over rows of its cohorts that it has no handler for, and settles those behind them', async () => {
  await failed('p1', 'p2', 'p3');
  await retry();
  for (const id of [1, 2]) Object.assign(world.failing.all.get(id) ?? {}, { handler: 'images' });
  await settled();
  expect(world.failing.state).toEqual(['1 in 1', '2 in 1']);
  expect(consumer.pending.settles).toBe(false);
});

it('does not lose rows that could not be passed on to what stands behind', async () => {
  const behind = world.follow(new FakeCache(), { name: 'behind', after: [consumer] });
  behind.retries.wakeup.take();
  await failed('p1');
  world.failsOnce = 'pass on';
  await expect(retry()).rejects.toThrow('pass on failed');
  expect(behind.retries.wakeup.asked).toBe(false);
  await retry();
  expect(behind.retries.wakeup.asked).toBe(true);
  await settled();
  expect(world.failing.state).toEqual([]);
});

it('does not lose rows that get their number when their cohort is settled already', async () => {
  await failed('p1');
  await retry();
  await failed('p2');
  world.during = async (call) => {
    if (call !== 'settle later') return;
    world.during = () => {};
    await settled();
  };
  await retry();
  expect(world.failing.state).toEqual(['2 in 1']);
  await settled();
  expect(world.failing.state).toEqual([]);
});

it('leaves what its clearing could not even try', async () => {
  await failed('p1');
  cache.broken = new Error('the thread died');
  await expect(retry()).rejects.toThrow('the thread died');
  expect(world.failing.state).toEqual(['1 waits']);
});
