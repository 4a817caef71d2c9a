import { afterEach, beforeEach, expect, it } from 'vitest';
import { readHandlers } from '../../src/cache-kinds.ts';
import { ClaimsUnderWay } from '../../src/clearing/claims-under-way.ts';
import { LocalConsumers } from '../../src/clearing/local-consumers.ts';
import type { Log } from '../../src/core/consumer-contract.ts';
import type { Claim, Clock } from '../../src/core/contracts.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { type HandlerLoop, startHandlerLoops } from '../../src/daemon/handler-loop.ts';

/** Handlers of a queue table that is empty, except for rows that others have locked. */
let happened: string[];
let remains: boolean;
let isFirst: boolean;
let now: number;
let waits: { ms: number; end: () => void }[];
let loops: Map<string, HandlerLoop>;
let consumers: LocalConsumers;

let mayClaim: Promise<void>;

const { handlers } = readHandlers([
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

const log: Partial<Log> = {
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
  isFirst = true;
  now = 1_000_000;
  waits = [];
  mayClaim = Promise.resolve();
  consumers = new LocalConsumers([]);
  loops = start();
});

const start = () =>
  startHandlerLoops({
    context: {
      claimsAtOnce: () => isFirst,
      consumers,
      claims: new ClaimsUnderWay(),
      log: log as Log,
      clock,
      observe: () => {},
      timings: usualTimings,
    },
    handlers,
    mayClaim,
    queues: new Map([['page', queue]]),
    channels: [{ channel: 'bound_changed', handler: 'bound' }],
    batch: 10,
    hints: true,
  });

afterEach(() => Promise.all([...loops.values()].map((loop) => loop.stop())));

/** Lets everything run that does not need the test. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

it('has a loop for each handler that anything wakes', () => {
  expect([...loops.keys()]).toEqual(['page', 'news', 'bound']);
});

it('claims nothing before it may, and stops all the same', async () => {
  let allow: () => void = () => {};
  mayClaim = new Promise((resolve) => {
    allow = resolve;
  });
  const waiting = start();
  for (const name of ['page', 'bound']) waiting.get(name)?.wake();
  await settled();
  expect(happened).toEqual([]);
  await waiting.get('bound')?.stop();
  allow();
  await settled();
  await waiting.get('page')?.stop();
  expect(happened).toEqual(['claim']);
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
  loops.get('page')?.notified('');
  await settled();
  expect(happened).toEqual(['claim', 'claim', 'record news']);
});

it('claims after the hint of its notification, or 10 ms later, and at once where another came shortly before', async () => {
  let cleared = () => {};
  const hint = () => new Promise<void>((resolve) => (cleared = resolve));
  consumers = Object.assign(new LocalConsumers([]), { hint });
  Object.defineProperty(consumers, 'takeHints', { value: true });
  const hinted = start();
  const claims = () => happened.filter((what) => what === 'claim').length;
  const notify = () => hinted.get('page')?.notified('{"id": "p1"}');
  notify();
  await settled();
  expect(claims()).toBe(0);
  cleared();
  await settled();
  expect(claims()).toBe(1);
  now += 2_000;
  waits = [];
  notify();
  await settled();
  expect(claims()).toBe(1);
  expect(waits.map(({ ms }) => ms)).toEqual([10]);
  waits[0]?.end();
  await settled();
  expect(claims()).toBe(2);
  now += 10;
  notify();
  await settled();
  expect(claims()).toBe(3);
  await Promise.all([...hinted.values()].map((loop) => loop.stop()));
});

it('takes rows that others hold locked for what it was notified of', async () => {
  remains = true;
  loops.get('page')?.notified('');
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

it('leaves it a second to the first daemon to claim, and then claims what is left', async () => {
  isFirst = false;
  loops.get('page')?.notified('');
  await settled();
  expect(happened).toEqual([]);
  expect(waits.map(({ ms }) => ms)).toEqual([1_000]);
  waits[0]?.end();
  await settled();
  expect(happened).toEqual(['claim']);
});

it('claims nothing more where it is stopped in that second', async () => {
  isFirst = false;
  loops.get('page')?.notified('');
  await settled();
  await loops.get('page')?.stop();
  expect(happened).toEqual([]);
});

it('leaves to the first daemon what has no entries: handlers without a queue, and those under then', async () => {
  isFirst = false;
  loops.get('bound')?.notified('');
  loops.get('page')?.notified('');
  await settled();
  waits[0]?.end();
  await settled();
  expect(happened).toEqual(['claim']);
  isFirst = true;
  now += 5_000;
  loops.get('bound')?.notified('');
  loops.get('page')?.notified('');
  await settled();
  expect(happened.toSorted()).toEqual(['claim', 'claim', 'record bound', 'record news']);
});
