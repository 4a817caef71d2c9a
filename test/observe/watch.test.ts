import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { Clock, Journal, JournalCount } from '../../src/core/contracts.ts';
import type { Countable } from '../../src/observe/count.ts';
import { openWatch } from '../../src/observe/watch.ts';

let now = 0;
const clock: Clock = {
  now: () => now,
  wait: (_ms, signal) => wait(2 ** 30, undefined, { signal, ref: false }),
};

function countable(handler: string, counts = async (): Promise<JournalCount[]> => []): Countable {
  const journal = { counts } as Partial<Journal> as Journal;
  return { handlers: new Map([[handler, { columns: [] }]]), queues: new Map(), journal };
}

it('counts what a reload brought, although the count before it was late', async () => {
  const watch = openWatch('1', clock);
  let finish = (_: JournalCount[]) => {};
  const late = new Promise<JournalCount[]>((resolve) => {
    finish = resolve;
  });
  const before = new AbortController();
  const after = new AbortController();
  const ended = watch.keepCounting(
    countable('before', () => late),
    before.signal,
  );
  before.abort();
  watch.keepCounting(countable('after'), after.signal);
  finish([]);
  await ended;
  now += 2_000;
  expect((await watch.status()).handlers.map(({ handler }) => handler)).toEqual(['after']);
  after.abort();
});

it('is not well before it has listened and counted, and critical when that lasts', async () => {
  now = 0;
  const watch = openWatch('1', clock);
  const error = new Error('connection refused');
  const levels = async () => (({ level, reasons }) => [level, ...reasons])(await watch.status());
  expect(await levels()).toEqual(['warning', 'not listening: it is starting', 'nothing is counted yet']);
  watch.observe({ kind: 'connecting', error, retryMs: 1 });
  const stop = new AbortController();
  const counts = async () => Promise.reject(error);
  watch.keepCounting(countable('news', counts), stop.signal);
  now = 59_999;
  expect(await levels()).toEqual([
    'warning',
    'not listening: connection refused',
    'cannot count: connection refused',
  ]);
  now = 60_000;
  expect((await levels())[0]).toBe('critical');
  stop.abort();

  const again = new AbortController();
  watch.observe({ kind: 'heartbeat', ms: 1 });
  watch.observe({ kind: 'listening', channels: [] });
  watch.keepCounting(countable('news'), again.signal);
  now = 70_000;
  expect(await levels()).toEqual(['ok']);
  expect(await watch.status()).toMatchObject({ heartbeatAgeMs: 10_000, countedAgeMs: 0, reconnects: 0 });
  again.abort();
});
