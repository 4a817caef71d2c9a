import { beforeEach, expect, it } from 'vitest';
import type { Clock } from '../../src/core/contracts.ts';
import type { Event } from '../../src/core/events.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { keepListening } from '../../src/daemon/listen.ts';

/** Connections that the test breaks, and a clock whose waits the test ends. */
let happened: string[];
let events: Event[];
let refused: Error | undefined;
/** The heartbeats without an answer so far. */
let heartbeats: { receive: () => void; fail: (error: Error) => void }[];
let lose: (error: Error) => void;
let waits: { ms: number; end: () => void }[];
let stop: AbortController;
let ended: Promise<void>;
let connections: number;

const heartbeatMs = 10_000;

const clock: Clock = {
  now: () => 0,
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      waits.push({ ms, end: resolve });
      signal.addEventListener('abort', () => reject(new Error('aborted')));
      if (signal.aborted) reject(new Error('aborted'));
    }),
};

beforeEach(() => {
  happened = [];
  events = [];
  refused = undefined;
  heartbeats = [];
  waits = [];
  connections = 0;
  stop = new AbortController();
});

/** Lets everything run that does not need the test. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function start(): Promise<void> {
  ended = keepListening(
    async () => {
      if (refused) throw refused;
      connections += 1;
      const name = connections;
      happened.push(`listen ${name}`);
      return {
        lost: new Promise((resolve) => {
          lose = resolve;
        }),
        heartbeat: () => new Promise((receive, fail) => heartbeats.push({ receive, fail })),
        close: () => void happened.push(`close ${name}`),
      };
    },
    {
      heartbeatMs,
      backoff: usualTimings.backoff,
      onNotification: () => {},
      onListening: () => happened.push('listening'),
      clock,
      observe: (event) => void events.push(event),
      signal: stop.signal,
    },
  );
  await settled();
}

async function receive(): Promise<void> {
  heartbeats.shift()?.receive();
  await settled();
}

const kinds = () => events.map(({ kind }) => kind).filter((kind) => kind !== 'heartbeat');

it('says that it listens only when its first heartbeat has arrived', async () => {
  await start();
  expect(happened).toEqual(['listen 1']);
  await receive();
  expect(happened).toEqual(['listen 1', 'listening']);
  expect(events).toEqual([{ kind: 'heartbeat', ms: 0 }]);
  stop.abort();
  await ended;
});

it.each([
  ['is lost', async () => lose(new Error('cut'))],
  [
    'is silent at a heartbeat',
    async () => {
      waits.at(-1)?.end();
      await settled();
      heartbeats.shift()?.fail(new Error('cut'));
    },
  ],
])('replaces a connection that %s, at once', async (_what, breakIt) => {
  await start();
  await receive();
  expect(waits.map(({ ms }) => ms)).toEqual([heartbeatMs]);
  await breakIt();
  await settled();
  expect(events.at(-1)).toMatchObject({ kind: 'listener-lost', error: { message: 'cut' } });
  expect(happened).toEqual(['listen 1', 'listening', 'close 1', 'listen 2']);
  await receive();
  expect(happened.at(-1)).toBe('listening');
  stop.abort();
  await ended;
  expect(happened.at(-1)).toBe('close 2');
});

it('sends one heartbeat after the other', async () => {
  await start();
  for (let beat = 0; beat < 3; beat++) {
    await receive();
    waits.at(-1)?.end();
    await settled();
    expect(heartbeats).toHaveLength(1);
  }
  expect(waits.map(({ ms }) => ms)).toEqual([heartbeatMs, heartbeatMs, heartbeatMs]);
  stop.abort();
  await receive();
  await ended;
});

it('discards a connection when its first heartbeat does not arrive, and waits before the next', async () => {
  await start();
  heartbeats.shift()?.fail(new Error('silent'));
  await settled();
  expect(happened).toEqual(['listen 1']);
  expect(kinds()).toEqual(['database-unavailable']);
  waits.at(-1)?.end();
  await settled();
  expect(happened).toEqual(['listen 1', 'close 1', 'listen 2']);
  stop.abort();
  await receive();
  await ended;
  expect(happened.at(-1)).toBe('close 2');
  expect(happened).not.toContain('listening');
});

it('waits longer before each try while it is refused, and starts over after it was accepted', async () => {
  refused = new Error('refused');
  await start();
  for (let attempt = 1; attempt < 8; attempt++) {
    waits.at(-1)?.end();
    await settled();
  }
  expect(kinds()).toEqual(['database-unavailable', ...Array(7).fill('retrying')]);
  // Half of the delay is random.
  expect(waits.at(-1)?.ms).toBeGreaterThanOrEqual(2_500);
  refused = undefined;
  waits.at(-1)?.end();
  await settled();
  await receive();
  refused = new Error('refused');
  lose(new Error('cut'));
  await settled();
  expect(kinds().slice(-2)).toEqual(['listener-lost', 'database-unavailable']);
  expect(waits.at(-1)?.ms).toBeLessThanOrEqual(100);
  stop.abort();
  await ended;
});
