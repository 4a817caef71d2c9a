import { afterEach, beforeEach, expect, it } from 'vitest';
import { parseHandlers } from '../../src/clearing/handler.ts';
import { Pipeline } from '../../src/clearing/pipeline.ts';
import type { Claim, Clock, Journal } from '../../src/core/contracts.ts';
import { type HandlerLoop, startHandlerLoops } from '../../src/daemon/handler-loop.ts';
import { partsOf } from '../clearing/context.ts';

/** Handlers of a queue table that is empty, except for rows that others have locked. */
let happened: string[];
let remains: boolean;
let now: number;
let waits: { ms: number; end: () => void }[];
let loops: Map<string, HandlerLoop>;

const { handlers } = parseHandlers([
  { name: 'page', queue: 'q', clear: ['{id}'], followers: ['news'] },
  { name: 'news', clear: ['news'], followers: [] },
  { name: 'bound', clear: ['bound'], followers: [] },
  { name: 'idle', clear: ['idle'], followers: [] },
]);

const clock: Clock = {
  now: () => now,
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      waits.push({ ms, end: resolve });
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    }),
};

const journal: Partial<Journal> = {
  async record(handler) {
    happened.push(`record ${handler}`);
    return { id: 1, handler, key: {} };
  },
};

const queue = {
  async claim(): Promise<Claim> {
    happened.push('claim');
    return { entries: 0, rows: [], last: null, lagMs: null, remains };
  },
  backlog: async () => ({ entries: 0, lagMs: null, ofUnknownAge: 0 }),
};

beforeEach(() => {
  happened = [];
  remains = false;
  now = 1_000_000;
  waits = [];
  const cache = { clear: async () => ({ files: 0, failures: [] }), close: async () => {} };
  const parts = { ...partsOf({ journal, cache, now: () => now }), handlers, clock };
  loops = startHandlerLoops({
    pipeline: new Pipeline(parts, { settleMs: 0, batch: 10, lanes: false }),
    queues: new Map([['page', queue]]),
    channels: [{ channel: 'bound_changed', handler: 'bound' }],
    batch: 10,
    recovering: (work) => work,
  });
});

afterEach(() => Promise.all([...loops.values()].map((loop) => loop.stop())));

/** Lets everything run that does not need the test. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('has a loop for each handler that anything wakes', () => {
  expect([...loops.keys()]).toEqual(['page', 'news', 'bound']);
});

it('comes back after a second for rows that others hold locked, and not without them', async () => {
  remains = true;
  loops.get('page')?.wake();
  await settled();
  expect(waits.map(({ ms }) => ms)).toEqual([1_000]);
  remains = false;
  now += 1_000;
  waits[0]?.end();
  await settled();
  expect(happened).toEqual(['claim', 'claim']);
  expect(waits).toHaveLength(1);
});

it('wakes the handlers under then when it was notified of nothing, and not when it was only woken', async () => {
  loops.get('page')?.wake();
  await settled();
  expect(happened).toEqual(['claim']);
  now += 5_000;
  loops.get('page')?.notified();
  await settled();
  expect(happened).toEqual(['claim', 'claim', 'record news']);
});

it('takes rows that others hold locked for what it was notified of', async () => {
  remains = true;
  loops.get('page')?.notified();
  await settled();
  expect(happened).toEqual(['claim']);
});

it('waits between two claims that find nothing, so that a storm of notifications costs little', async () => {
  loops.get('page')?.wake();
  await settled();
  loops.get('page')?.wake();
  await settled();
  expect(happened).toEqual(['claim']);
  expect(waits.map(({ ms }) => ms)).toEqual([1]);
  waits[0]?.end();
  await settled();
  expect(happened).toEqual(['claim', 'claim']);
});
