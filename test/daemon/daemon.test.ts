import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parseHandlers } from '../../src/clearing/handler.ts';
import {
  type Cache,
  type ChannelBinding,
  type Claim,
  type Clock,
  channelsChanged,
  type Journal,
  type JournalRow,
  type Queue,
  retryAsked,
} from '../../src/core/contracts.ts';
import { Wakeup } from '../../src/core/wakeup.ts';
import { type Daemon, startDaemon } from '../../src/daemon/daemon.ts';
import { partsOf } from '../clearing/context.ts';

/** The daemon with fakes for all its surroundings. Nearly no time passes: each event has a cause. */
let happened: string[];
/** Entries of the queue table. */
let entries: JournalRow[];
/** Ids whose page cannot be deleted. */
let refused: number[];
let takenOver: number;
let due: JournalRow[];
let notify: (channel: string) => void;
let lose: (error: Error) => void;
let sweep: () => void;
let claimFails: boolean;
let readsChannels: () => ChannelBinding[];
let root: { wakeup: Wakeup; left: number };
let daemon: Daemon;

/** Between claims that find nothing. */
const longestCooldownMs = 50;

const sweepMs = 600_000;
const clock: Clock = {
  now: () => 0,
  wait: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (ms === sweepMs) sweep = resolve;
      if (ms <= longestCooldownMs) resolve();
      signal.addEventListener('abort', () => reject(new Error('aborted')));
    }),
};

const { handlers } = parseHandlers([
  { name: 'page', queue: 'q', clear: ['{id}'], followers: ['news'] },
  { name: 'news', clear: ['news'], followers: [] },
]);

const channels = [
  { channel: 'changed', handler: 'page' },
  { channel: 'news_changed', handler: 'news' },
];

const nothing: Claim = { entries: 0, rows: [], last: null, lagMs: null, remains: false };

const journal: Partial<Journal> = {
  newest: async () => 9,
  async takeOver({ upTo }) {
    const taken = takenOver;
    takenOver = 0;
    return { taken, others: 0, orphans: {}, upTo };
  },
  async unsettled({ which }) {
    happened.push(`read ${which}`);
    return [];
  },
  async record(handler) {
    happened.push(`record ${handler}`);
    return { id: 100, handler, key: {} };
  },
  async fail(failures) {
    happened.push(`fail ${failures.map(({ id }) => id)}`);
    return 0;
  },
  async retake() {
    happened.push('retake');
    return { rows: due.splice(0), nextMs: null };
  },
  snapshot: async (found) => ({ found, at: 'then', virtual: [], prepared: [] }),
  read: async ({ ids }) => ids.map((id) => ({ id, handler: 'page', key: { id: String(id) } })),
  async settle({ ids }) {
    happened.push(`settle ${ids}`);
  },
};

const queue: Queue = {
  async claim() {
    happened.push('claim');
    if (claimFails) throw new Error('cut');
    const rows = entries.splice(0);
    return { ...nothing, entries: rows.length, rows };
  },
  backlog: async () => ({ entries: 0, lagMs: null, ofUnknownAge: 0 }),
};

const cache: Cache = {
  async clear(patterns) {
    const failing = [...patterns].flat().filter((pattern) => refused.includes(Number(pattern)));
    return {
      files: 0,
      failures: failing.map((pattern) => ({ pattern, path: pattern, code: 'EIO', message: 'broken' })),
    };
  },
  close: async () => {},
};

function start(): Daemon {
  return startDaemon({
    ...partsOf({ journal, cache, now: clock.now }),
    handlers,
    clock,
    queues: new Map([['page', queue]]),
    channels,
    readChannels: async () => {
      happened.push('read channels');
      return readsChannels();
    },
    onChannelsChanged: () => happened.push('channels changed'),
    async listen(onNotification) {
      notify = onNotification;
      return {
        lost: new Promise((resolve) => {
          lose = resolve;
        }),
        heartbeat: async () => {},
        close() {},
      };
    },
    root: {
      wakeup: root.wakeup,
      inspected: Promise.resolve(),
      contested: false,
      step: async () => {
        happened.push('look at root');
        return Number.POSITIVE_INFINITY;
      },
      end() {},
      async leave() {
        root.left += 1;
      },
    },
    settleMs: 0,
    sweepMs,
    heartbeatMs: Number.POSITIVE_INFINITY,
    batch: 10,
  });
}

beforeEach(async () => {
  happened = [];
  entries = [];
  refused = [];
  takenOver = 0;
  due = [];
  claimFails = false;
  readsChannels = () => channels;
  root = { wakeup: new Wakeup(), left: 0 };
  daemon = start();
  await until('read all');
});

afterEach(() => daemon.stop({ leaving: false }));

const until = (...all: string[]) =>
  vi.waitFor(() => expect(happened).toEqual(expect.arrayContaining(all)), { timeout: 30_000 });

const row = (id: number): JournalRow => ({ id, handler: 'page', key: { id: String(id) } });

it('clears and settles what a notification announces', async () => {
  entries = [row(1)];
  notify('changed');
  await until('settle 1');
});

it('keeps a row that fails for a retry, and clears it when that is due', async () => {
  refused = [1];
  entries = [row(1)];
  notify('changed');
  await until('fail 1', 'retake');
  due = [row(1)];
  entries = [row(2)];
  refused = [2];
  notify('changed');
  await until('settle 1');
});

it('asks for retries that are due when it has taken rows over', async () => {
  happened = [];
  takenOver = 1;
  lose(new Error('cut'));
  await until('read not-waiting', 'retake');
});

it('reads the whole journal after the first LISTEN alone', async () => {
  happened = [];
  lose(new Error('cut'));
  await until('read not-waiting');
  expect(happened).not.toContain('read all');
});

it('catches up after each LISTEN with what was committed while nobody listened', async () => {
  await until('claim', 'record news');
  happened = [];
  entries = [row(1)];
  lose(new Error('cut'));
  await until('settle 1');
});

it('reads entries, abandoned rows and listen_for at each sweep', async () => {
  await until('read channels', 'settle 100');
  happened = [];
  entries = [row(1)];
  sweep();
  await until('settle 1', 'read abandoned', 'read channels');
  // The sweep does not clear a handler that only a notification wakes.
  expect(happened).not.toContain('record news');
});

it('reads the journal after a claim whose answer it has not seen', async () => {
  happened = [];
  claimFails = true;
  notify('changed');
  await until('claim', 'read not-waiting');
});

it('does what is asked for on its own channels', async () => {
  happened = [];
  notify(retryAsked);
  await until('read not-waiting');
  readsChannels = () => [];
  notify(channelsChanged);
  await until('read channels', 'channels changed');
});

it('checks root when it is asked to', async () => {
  await until('look at root');
  happened = [];
  root.wakeup.wake();
  await until('look at root');
});

it('can be stopped twice, and leaves its root once', async () => {
  await Promise.all([daemon.stop({ leaving: false }), daemon.stop({ leaving: true })]);
  await daemon.stop({ leaving: true });
  expect(root.left).toBe(1);
});
