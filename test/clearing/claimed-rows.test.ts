import { beforeEach, expect, it } from 'vitest';
import { AdaptiveBatchSize } from '../../src/clearing/batch-size.ts';
import { ClaimsUnderWay } from '../../src/clearing/claims-under-way.ts';
import { type ClaimContext, clearWithoutQueue, drainQueue } from '../../src/clearing/drain-queue.ts';
import { LocalConsumers } from '../../src/clearing/local-consumers.ts';
import type { Log } from '../../src/core/consumer-contract.ts';
import type { Claim } from '../../src/core/contracts.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { FakeCache, filesSteps } from './fake-cache.ts';
import { handlerOf } from './handler-of.ts';
import { LogWorld } from './log-world.ts';

/** Claims, with the consumer whose log they append to. */
let world: LogWorld;
let cache: FakeCache;
let context: ClaimContext;
let claims: ClaimsUnderWay;
/** Whether the answers of claims have to wait. */
let answer: Promise<void>;

beforeEach(() => {
  world = new LogWorld();
  cache = new FakeCache(filesSteps([{ name: 'page' }, { name: 'news', clear: ['news/*'] }]));
  claims = new ClaimsUnderWay();
  answer = Promise.resolve();
  context = {
    claimsAtOnce: () => true,
    consumers: new LocalConsumers([world.follow(cache, { claims })]),
    claims,
    log: {
      async record(handler: string) {
        const [row] = world.append(handler, '');
        await answer;
        return row ?? expect.fail('no row');
      },
    } as Log,
    clock: { now: () => world.now, wait: () => expect.fail('nobody waits here') },
    observe: (event) => void world.events.push(event),
  };
});

const nothing: Claim = { entries: 0, rows: [], last: null, lagMs: null, remains: false };

/** Drains a queue that has these entries, by one claim. */
const drain = (...keys: string[]) => drainBy([keys]);

/** By a claim for each of these lists. `before` is called when it is committed. */
function drainBy(lists: string[][], before = async (_ids: readonly string[]) => {}): Promise<boolean> {
  const queue = {
    async claim(): Promise<Claim> {
      const ids = lists.shift() ?? [];
      const rows = ids.length > 0 ? world.append('page', ...ids) : [];
      await before(ids);
      await answer;
      const last = lists.length > 0 ? String(rows.at(-1)?.id) : null;
      return { ...nothing, entries: rows.length * 2, rows, last, cut: lists.length > 0, lagMs: 40 };
    },
    backlog: async () => ({ entries: 0, lagMs: null, ofUnknownAge: 0 }),
  };
  return drainQueue(handlerOf('page'), queue, {
    context,
    pace: new AdaptiveBatchSize(10, usualTimings.claims),
    onBatch: () => {},
    signal: new AbortController().signal,
  });
}

const news = handlerOf('news', { clear: ['news/*'] });
const consumer = () => context.consumers.all[0] ?? expect.fail('no consumer');
const soon = () => new Promise((resolve) => setImmediate(resolve));

function heldAnswer(): () => void {
  let release = () => {};
  answer = new Promise((resolve) => {
    release = resolve;
  });
  return release;
}

it('feeds its own caches from the answer, and tells how many entries went and how old they were', async () => {
  await drain('p1', 'p2');
  expect(cache.cleared()).toEqual(['p1 p2']);
  expect(world.told('cleared')).toMatchObject([{ handler: 'page', entries: 4, keys: 2, lagMs: 40 }]);
  expect(consumer().clearedTo).toBe(2);
});

it('has the reader of the log wait for the answer, so that nothing is cleared twice', async () => {
  const release = heldAnswer();
  const [drained, read] = [drain('p1'), consumer().reader.step()];
  await soon();
  release();
  await Promise.all([drained, read]);
  expect(cache.cleared()).toEqual(['p1']);
  expect(world.told('cleared')).toMatchObject([{ entries: 2 }]);
});

it('tells of no clearing where the log was faster: that was told', async () => {
  const release = heldAnswer();
  const drained = drain('p1');
  await soon();
  // The reader waits for a while only.
  Object.assign(claims, { ended: async () => {} });
  await consumer().reader.step();
  release();
  await drained;
  expect(cache.cleared()).toEqual(['p1']);
  expect(world.told('cleared')).toMatchObject([{ entries: 1, keys: 1 }]);
});

it('tells of each claim once though the log was faster for one of those that are cleared together', async () => {
  cache.held = 'p1';
  Object.assign(claims, { ended: async () => {} });
  await drainBy([['p1'], ['p2'], ['p3']], async (ids) => {
    if (ids.includes('p2')) await consumer().reader.step();
    if (ids.includes('p3')) cache.release();
  });
  expect(cache.cleared().toSorted()).toEqual(['p1', 'p2', 'p3']);
  expect(world.told('cleared').map(({ entries, keys }) => [entries, keys])).toEqual([
    [1, 1],
    [2, 1],
    [2, 1],
  ]);
});

it('clears for a handler without a queue by a row of the log that it appends', async () => {
  await clearWithoutQueue(news, context);
  expect(cache.cleared()).toEqual(['news/*']);
  expect(world.told('cleared')).toMatchObject([{ handler: 'news', entries: 1, lagMs: null }]);
  expect(consumer().clearedTo).toBe(1);
});

it('has the reader wait for that row, too', async () => {
  const release = heldAnswer();
  const cleared = clearWithoutQueue(news, context);
  const read = consumer().reader.step();
  await soon();
  release();
  await Promise.all([cleared, read]);
  expect(cache.cleared()).toEqual(['news/*']);
  // The log line would show how old it is.
  expect(world.told('cleared')).toMatchObject([{ handler: 'news', lagMs: null }]);
});

it('leaves the row to the log when its clearing fails', async () => {
  cache.broken = new Error('the thread died');
  await expect(clearWithoutQueue(news, context)).rejects.toThrow('the thread died');
  expect(consumer().reader.wakeup.asked).toBe(true);
  cache.broken = undefined;
  while ((await consumer().reader.step()) === 0);
  expect(cache.cleared()).toEqual(['news/*']);
});

it('leaves rows to the log while nobody follows it: it is read when somebody does', async () => {
  consumer().leave();
  await drain('p1');
  expect(cache.cleared()).toEqual([]);
  consumer().follow({ settledTo: 0, clearedTo: 0, wiping: false });
  while ((await consumer().reader.step()) === 0);
  expect(cache.cleared()).toEqual(['p1']);
});
