import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import type { LogCount } from '../../src/core/consumer-contract.ts';
import type { Clock } from '../../src/core/contracts.ts';
import type { CountSource } from '../../src/observe/count-handlers.ts';
import { openMonitor } from '../../src/observe/monitor.ts';
import { emptyLog } from './empty-log.ts';

let now = 0;
const clock: Clock = {
  now: () => now,
  wait: (_ms, signal) => wait(2 ** 30, undefined, { signal, ref: false }),
};

function countable(handler: string, counts = async (): Promise<LogCount[]> => []): CountSource {
  return {
    handlers: new Map([[handler, { columns: [] }]]),
    queues: new Map(),
    log: { ...emptyLog, counts },
    disabled: new Map(),
    disabledQueues: new Map(),
  };
}

it('counts what a reload brought, although the count before it was late', async () => {
  const watch = openMonitor('1', clock);
  let finish = (_: LogCount[]) => {};
  const late = new Promise<LogCount[]>((resolve) => {
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

it('is not ok before it has listened and counted, and critical when it cannot for long', async () => {
  now = 0;
  const watch = openMonitor('1', clock);
  const error = Object.assign(new Error('connection refused'), { code: 'ECONNREFUSED' });
  const levels = async () =>
    (({ health: level, problems }) => [level, ...problems.map(({ text }) => text)])(await watch.status());
  expect(await levels()).toEqual(['warning', 'not listening: starting', 'nothing has been counted yet']);
  watch.observe({ kind: 'database-unavailable', error, retryMs: 1 });
  const stop = new AbortController();
  const counts = async () => Promise.reject(error);
  watch.keepCounting(countable('news', counts), stop.signal);
  expect(await levels()).toEqual([
    'critical',
    'not listening: connection refused',
    'cannot count: connection refused',
  ]);
  watch.observe({ kind: 'heartbeat', ms: 1 });
  now = 59_999;
  expect(await levels()).toEqual(['warning', 'cannot count: connection refused']);
  now = 60_000;
  expect(await levels()).toEqual(['critical', 'cannot count: connection refused']);
  stop.abort();

  const again = new AbortController();
  watch.observe({ kind: 'heartbeat', ms: 1 });
  watch.observe({ kind: 'listening', channels: [] });
  let refuse = false;
  watch.keepCounting(
    countable('news', async () => (refuse ? Promise.reject(error) : [])),
    again.signal,
  );
  now = 70_000;
  expect(await levels()).toEqual(['ok']);
  const lag = async () => (await watch.status()).handlers.map(({ lagMs, settling }) => [lagMs, settling]);
  expect(await watch.status()).toMatchObject({ heartbeatAgeMs: 10_000, countsAgeMs: 0, reconnects: 0 });
  expect(await lag()).toEqual([[0, 0]]);
  expect((await watch.metrics()).text).toMatch(/^uncached_lag_seconds\{handler="news"\} 0$/m);

  // The last counts stay, but the lag is unknown from now on.
  refuse = true;
  now = 200_000;
  watch.observe({ kind: 'reload-refused', problems: ['a typing error'], retryMs: null });
  watch.observe({ kind: 'listener-lost', error });
  expect(await levels()).toEqual([
    'critical',
    'not listening: connection refused',
    'cannot count: connection refused',
    'the new configuration has problems, so the old one stays in effect: a typing error',
  ]);
  expect(await lag()).toEqual([[null, 0]]);
  const { text } = await watch.metrics();
  expect(text).not.toMatch(/^uncached_lag_seconds\{/m);
  // When a kind has a warning and a critical problem, the worse one is shown.
  expect(text).toMatch(/^uncached_problem\{kind="database",handler=""\} 2$/m);
  again.abort();
});

it('counts for /metrics from the moment that these are exposed, with each handler at 0 before', async () => {
  const watch = openMonitor('1', clock);
  const stop = new AbortController();
  watch.keepCounting(countable('news'), stop.signal);
  const cleared = { kind: 'cleared', handler: 'news', entries: 1, ms: 1, lagMs: 1 } as never;
  const entries = async () =>
    /^uncached_cleared_entries_total\{handler="news"\} (\d+)$/m.exec((await watch.metrics()).text)?.[1];
  watch.observe(cleared);
  await watch.expose();
  expect(await entries()).toBe('0');
  watch.observe(cleared);
  expect(await entries()).toBe('1');
  await watch.expose();
  expect(await entries()).toBe('1');
  stop.abort();
});

it('warns of a row with an invalid key until no row of its handler is left: somebody may have deleted it', async () => {
  now = 0;
  const watch = openMonitor('1', clock);
  let settling = 1;
  const stop = new AbortController();
  const none = { claimed: 0, failing: 0, invalid: 0, error: null };
  const ages = { claimedMs: null, settlingMs: null, failingMs: null, invalidMs: null };
  const counts = async () => [{ handler: 'news', settling, ...none, ...ages }];
  watch.keepCounting(countable('news', counts), stop.signal);
  watch.observe({ kind: 'listening', channels: [] });
  watch.observe({ kind: 'heartbeat', ms: 1 });
  now = 1_000;
  const failure = { id: 1, error: 'no page can have this key' };
  const tried = {
    kind: 'batch-done',
    handler: 'news',
    consumer: 'files',
    cleared: [],
    files: 0,
    failures: [],
  } as const;
  watch.observe({ ...tried, invalid: [{ ...failure, known: false }] });
  watch.observe({ kind: 'rows-invalid', handler: 'news', rows: 1, errors: [failure.error] });
  now = 20_000;
  expect((await watch.status()).problems.map(({ kind }) => kind)).toEqual(['invalid']);
  settling = 0;
  now = 40_000;
  expect((await watch.status()).problems).toEqual([]);
  stop.abort();
});

it('shows the last clearings of before the start, until there are new ones', async () => {
  const watch = openMonitor('1', clock);
  const stop = new AbortController();
  const batch = { handler: 'news', entries: 2, keys: 2, examples: [], failedKeys: 0, lagMs: null };
  const earlier = Array.from({ length: 30 }, (_, at) => ({
    ...batch,
    id: 30 - at,
    at: 30 - at,
    files: null,
  }));
  const source = countable('news');
  const log = { ...source.log, recentClearings: async () => earlier };
  watch.keepCounting({ ...source, log }, stop.signal);
  expect((await watch.status()).clearings).toEqual(earlier.slice(0, 20));
  watch.observe({ kind: 'cleared', ...batch, files: 3, ms: 1 });
  // A reload asks again.
  watch.keepCounting({ ...source, log }, stop.signal);
  const { clearings } = await watch.status();
  expect(clearings.map(({ id }) => id)).toEqual([31, ...earlier.slice(0, 19).map(({ id }) => id)]);
  expect(clearings[0]).toMatchObject({ files: 3 });
  stop.abort();
});

it('judges the caches of other daemons by what they report, and its own by what it knows', async () => {
  now = 0;
  const watch = openMonitor('1', clock);
  const stop = new AbortController();
  const cache = {
    kind: 'files',
    name: 'files',
    node: 'web1',
    place: '/cache',
    state: 'live',
    version: '1',
  } as const;
  const numbers = {
    behind: 0,
    unsettled: 0,
    lagMs: null,
    failing: 0,
    seenMs: 90_000,
    connected: true,
    problem: null,
  };
  const own = { ...cache, ...numbers, id: 'a', owner: 'own' };
  const source = countable('news');
  let others = [
    { ...own, id: 'b', node: 'web2', owner: 'other' },
    { ...own, id: 'c', node: 'web3', owner: null },
  ];
  const asked: unknown[] = [];
  const log = {
    ...source.log,
    consumers: async () => [own, ...others],
    async counts(owner?: string) {
      asked.push(owner);
      return [];
    },
  };
  const told: string[] = [];
  watch.keepCounting({ ...source, owner: 'own', log }, stop.signal, (event) => {
    if ('problem' in event && typeof event.problem === 'object')
      told.push(`${event.kind}, ${event.problem.level}: ${event.problem.text.slice(0, 13)}`);
  });
  watch.observe({ kind: 'listening', channels: [] });
  watch.observe({ kind: 'heartbeat', ms: 1 });
  const { consumers, problems, health } = await watch.status();
  expect(asked).toEqual(['own']);
  expect(consumers.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
  // It is ready to clear. Other daemons do not matter.
  expect([health, ...problems.map(({ kind, text }) => `${kind}: ${text}`)]).toEqual([
    'warning',
    expect.stringMatching(/^consumer: files on web2 \(\/cache\) is cleared by no daemon since 90 s/),
    expect.stringMatching(/^consumer: files on web3 \(\/cache\) is cleared by no daemon since 90 s/),
  ]);
  others = others.slice(1);
  now += 2_000;
  await watch.status();
  expect(told).toEqual([
    'problem-found, warning: files on web2',
    'problem-found, warning: files on web3',
    'problem-resolved, warning: files on web2',
  ]);
  const { text } = await watch.metrics();
  expect(text).toContain(
    'uncached_consumer_seen_age_seconds{consumer="c",kind="files",name="files",node="web3"} 90\n',
  );
  stop.abort();
});
