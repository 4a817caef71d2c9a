import { setTimeout as wait } from 'node:timers/promises';
import { beforeEach, expect, it } from 'vitest';
import type { LogCount } from '../../src/core/consumer-contract.ts';
import type { Clock } from '../../src/core/contracts.ts';
import { usualTimings } from '../../src/core/timings.ts';
import type { CountSource } from '../../src/observe/count-handlers.ts';
import { CachedCounts } from '../../src/observe/counts.ts';
import { emptyLog } from './empty-log.ts';

/** Time passes only when the test says so. */
let now: number;
const clock: Clock = {
  now: () => now,
  wait: (_ms, signal) => wait(2 ** 30, undefined, { signal, ref: false }),
};

let asked: number;
let answer: () => Promise<LogCount[]>;
const source: CountSource = {
  handlers: new Map([['news', { columns: [] }]]),
  queues: new Map(),
  log: {
    ...emptyLog,
    counts() {
      asked += 1;
      return answer();
    },
  },
  disabled: new Map(),
  disabledQueues: new Map(),
};

let counting: CachedCounts;
beforeEach(() => {
  now = 0;
  asked = 0;
  answer = async () => [];
  counting = new CachedCounts(clock, usualTimings.reporting.counts);
  counting.begin(source);
});

/** Returns a function that gives the answer. */
function answerLater(): (counts: LogCount[]) => void {
  let finish = (_: LogCount[]) => {};
  answer = () =>
    new Promise((resolve) => {
      finish = resolve;
    });
  return (counts) => finish(counts);
}

it('asks the database once a second, however many want to know', async () => {
  for (let second = 0; second < 10; second++) {
    for (now = second * 1_000; now < second * 1_000 + 999; now += 100) {
      await Promise.all(Array.from({ length: 10 }, () => counting.fresh()));
    }
  }
  expect(asked).toBe(10);
});

it('asks once at a time, a tenth of the time, and after ten seconds at the latest', async () => {
  const finish = answerLater();
  const all = Array.from({ length: 10 }, () => counting.fresh());
  now = 1_000;
  expect(asked).toBe(1);
  finish([]);
  await Promise.all(all);
  now = 10 * 1_000 - 1;
  await counting.fresh();
  expect(asked).toBe(1);
  now += 1;
  const finishLate = answerLater();
  const late = counting.fresh();
  expect(asked).toBe(2);
  now += 7_000;
  finishLate([]);
  await late;
  now += 10_000;
  counting.fresh();
  expect(asked).toBe(3);
});

it('answers with the last counts when the database does not, and says why', async () => {
  await counting.fresh();
  const { last } = counting;
  now = 1_000;
  answer = () => Promise.reject(Object.assign(new Error('no connection'), { code: 'ECONNREFUSED' }));
  await counting.fresh();
  expect(counting.last).toBe(last);
  expect(counting.error).toBe('no connection');
  now = 1_500;
  await counting.fresh();
  expect(asked).toBe(2);
  now = 2_000;
  answer = async () => [];
  await counting.fresh();
  expect(counting.error).toBeUndefined();
});

it('does not wait for ever', async () => {
  counting = new CachedCounts({ ...clock, wait: async () => {} }, usualTimings.reporting.counts);
  counting.begin(source);
  answer = () => new Promise(() => {});
  await counting.fresh();
  expect(counting.last).toBeUndefined();
});

it('forgets what a configuration before this one still counts', async () => {
  const finish = answerLater();
  const before = counting.fresh();
  counting.begin({ ...source, handlers: new Map([['articles', { columns: [] }]]) });
  finish([]);
  await before;
  expect(counting.last).toBeUndefined();
  answer = async () => [];
  await counting.fresh();
  expect(counting.last?.handlers.map(({ handler }) => handler)).toEqual(['articles']);
});
