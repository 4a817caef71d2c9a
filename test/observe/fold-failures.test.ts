import { beforeEach, expect, it } from 'vitest';
import { readHandlers, stepsOf } from '../../src/cache-kinds.ts';
import { filesCache } from '../../src/caches/files/files-cache.ts';
import { clearBatch } from '../../src/clearing/batch.ts';
import type { Event, Fact, Observe } from '../../src/core/events.ts';
import { foldFailures } from '../../src/observe/fold-failures.ts';

const { handlers } = readHandlers([{ name: 'page', queue: 'q', clear: ['pages/{id}'], followers: [] }]);
const step = stepsOf(handlers.values(), { kind: 'files', always: [] }).get('files')?.get('page');
const minute = 60_000;

let now: number;
let told: Event[];
let observe: Observe;
/** The disk's error code for a page. Undefined: the page is deleted. */
let refuse: (id: string) => string | undefined;

beforeEach(() => {
  now = 0;
  told = [];
  observe = foldFailures(
    (event) => event.kind !== 'batch-done' && told.push(event),
    () => now,
  );
  refuse = () => undefined;
});

const cache = filesCache({
  async clear(given) {
    const patterns = [...given].flat();
    const failures = patterns.flatMap((pattern) => {
      const code = refuse(pattern.slice('pages/'.length));
      return code === undefined ? [] : [{ pattern, path: pattern, code, message: 'in words' }];
    });
    return { files: patterns.length - failures.length, failures };
  },
});

/** Tries rows with these keys. A row's id is the index of its key among all keys so far. */
const keys = new Map<string, number>();
async function attempt(...ids: readonly string[]): Promise<void> {
  for (const id of ids) if (!keys.has(id)) keys.set(id, keys.size);
  const rows = ids.map((id) => ({ id: keys.get(id) ?? -1, handler: 'page', key: { id } }));
  if (!step) throw new Error('no step');
  const outcome = await clearBatch(step, rows, cache);
  const kept = new Set(outcome.invalid.map(({ id }) => id));
  observe({
    kind: 'batch-done',
    handler: 'page',
    consumer: 'files',
    ...outcome,
    cleared: outcome.cleared.filter((id) => !kept.has(id)),
    invalid: outcome.invalid.map((failure) => ({ ...failure, known: false })),
  });
}

const pages = (count: number, from = 0) => Array.from({ length: count }, (_, n) => `page-${from + n}`);
const kinds = () => told.map(({ kind }) => kind);

it('reports a disk that refuses once for ten thousand rows and all their retries, and once that it works', async () => {
  refuse = () => 'EROFS';
  for (let from = 0; from < 10_000; from += 1_000) await attempt(...pages(1_000, from));
  for (let retry = 0; retry < 5; retry++) {
    now += minute;
    for (let from = 0; from < 10_000; from += 1_000) await attempt(...pages(1_000, from));
  }
  expect(told).toEqual([
    {
      kind: 'disk-failing',
      code: 'EROFS',
      error: 'cannot delete pages/page-0: EROFS, in words',
      rows: 1_000,
    },
  ]);
  refuse = () => undefined;
  now += minute;
  for (let from = 0; from < 10_000; from += 1_000) await attempt(...pages(1_000, from));
  expect(told.slice(1)).toEqual([{ kind: 'disk-recovered', code: 'EROFS', ms: 6 * minute, rows: 10_000 }]);
});

it('reports another code at once, and the end of each', async () => {
  refuse = () => 'EROFS';
  await attempt('a', 'b');
  refuse = () => 'EIO';
  await attempt('a', 'b', 'c');
  refuse = () => undefined;
  await attempt('a', 'b', 'c');
  expect(told.map((event) => ('code' in event ? `${event.kind} ${event.code}` : event.kind))).toEqual([
    'disk-failing EROFS',
    'disk-recovered EROFS',
    'disk-failing EIO',
    'disk-recovered EIO',
  ]);
});

it('reports a disk again that worked in between while one row is stuck, but at most once a minute', async () => {
  refuse = (id) => (id.startsWith('forbidden') ? 'EACCES' : undefined);
  await attempt('forbidden-1');
  now += minute;
  await attempt('forbidden-1', 'good');
  expect(kinds()).toEqual(['disk-failing']);
  for (let n = 2; n < 500; n++) {
    await attempt(`forbidden-${n}`, `good-${n}`);
    now += 1_000;
  }
  // 499 seconds.
  expect(kinds().length).toBeLessThanOrEqual(1 + 9);
  expect(told[1]).toMatchObject({ kind: 'disk-failing', error: expect.stringContaining('forbidden-2:') });
});

it('reports a failing row with its first error and when that changes, and not with its retries', async () => {
  refuse = () => 'ELOOP';
  await attempt('odd');
  now += minute;
  for (let retry = 0; retry < 10; retry++, now += minute) await attempt('odd');
  refuse = () => 'EXDEV';
  await attempt('odd');
  expect(told).toMatchObject([
    { kind: 'rows-failed', rows: 1, errors: ['cannot delete pages/odd: ELOOP, in words'] },
    { kind: 'rows-failed', rows: 1, errors: ['cannot delete pages/odd: EXDEV, in words'] },
  ]);
});

it('reports a failing row once although another cache clears it each time', async () => {
  refuse = () => 'ELOOP';
  await attempt('half');
  const batch = {
    kind: 'batch-done',
    handler: 'page',
    consumer: 'command page',
    files: 0,
    invalid: [],
  } as const;
  for (let retry = 0; retry < 3; retry++) {
    now += minute;
    observe({ ...batch, cleared: [keys.get('half') ?? -1], failures: [] });
    await attempt('half');
  }
  expect(kinds()).toEqual(['rows-failed']);
  observe({ ...batch, cleared: [], failures: [{ id: keys.get('half') ?? -1, error: 'exit code 1' }] });
  expect(kinds()).toEqual(['rows-failed', 'rows-failed']);
});

it('reports a thousand failing rows of different kinds in a few lines that count them all', async () => {
  refuse = () => 'ELOOP';
  for (let n = 0; n < 1_000; n++, now += 100) await attempt(`odd-${n}`);
  now += minute;
  await attempt('odd-0');
  expect(told.length).toBe(3);
  expect(told.reduce((sum, event) => sum + (event.kind === 'rows-failed' ? event.rows : 0), 0)).toBe(1_000);
});

it('reports invalid keys once, at most a line a minute, the last without another row', async () => {
  await attempt('..', 'good', '.');
  for (let again = 0; again < 10; again++, now += minute) await attempt('..', '.');
  expect(told).toEqual([
    {
      kind: 'rows-invalid',
      handler: 'page',
      rows: 2,
      errors: [expect.stringContaining('".."'), expect.stringContaining('"."')],
    },
  ]);
  told = [];
  for (let n = 0; n < 1_000; n++, now += 100) await attempt(`a/${n}`);
  expect(kinds()).toEqual(['rows-invalid', 'rows-invalid']);
  now += minute;
  observe({ kind: 'heartbeat', ms: 1 });
  expect(told.reduce((sum, event) => sum + (event.kind === 'rows-invalid' ? event.rows : 0), 0)).toBe(1_000);
});

it('does not report later what was repaired before it was reported', async () => {
  refuse = () => 'ELOOP';
  await attempt('a');
  await attempt('b');
  refuse = () => undefined;
  await attempt('a', 'b');
  now += minute;
  await attempt('c');
  expect(kinds()).toEqual(['rows-failed']);
});

it('reports a disk that works every other second once a minute', async () => {
  for (let second = 0; second < 120; second++, now += 1_000) {
    refuse = () => (second % 2 === 0 ? 'EMFILE' : undefined);
    await attempt('a');
  }
  expect(kinds()).toEqual(['disk-failing', 'disk-recovered', 'disk-failing', 'disk-recovered']);
});

it('counts a loop that the disk stops in the same alarm, and leaves every other failure alone', async () => {
  const cause = Object.assign(new Error('read-only file system'), { code: 'EROFS', syscall: 'open' });
  const failed = (error: Error): Fact => ({ kind: 'loop-failed', loop: 'machine', error, retryMs: 1 });
  observe(failed(new Error('Cannot keep the marker', { cause })));
  refuse = () => 'EROFS';
  await attempt('a');
  refuse = () => undefined;
  await attempt('a');
  expect(kinds()).toEqual(['disk-failing']);
  observe({ kind: 'loop-recovered', loop: 'machine' });
  expect(kinds()).toEqual(['disk-failing', 'disk-recovered']);
});

it('forgets a row that was dropped', async () => {
  refuse = () => 'EACCES';
  await attempt('dropped');
  now += 120 * minute;
  refuse = () => undefined;
  await attempt('good');
  expect(kinds()).toEqual(['disk-failing', 'disk-recovered']);
});

it('reports the end of a failure of a loop that a disk has interrupted', () => {
  const spawn = Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM', syscall: 'spawn' });
  const failed = (error: Error): Fact => ({ kind: 'loop-failed', loop: 'files, log', error, retryMs: 1 });
  observe(failed(new Error('permission denied')));
  observe(failed(new Error('the worker died', { cause: spawn })));
  observe({ kind: 'loop-recovered', loop: 'files, log' });
  expect(kinds()).toEqual(['loop-failed', 'disk-failing', 'loop-recovered', 'disk-recovered']);
});

it('reports a loop that a disk stops again within a minute after that minute, whatever happens then', () => {
  const spawn = Object.assign(new Error('spawn ENOMEM'), { code: 'ENOMEM', syscall: 'spawn' });
  const failed: Fact = { kind: 'loop-failed', loop: 'files, log', error: spawn, retryMs: 1 };
  observe(failed);
  observe({ kind: 'loop-recovered', loop: 'files, log' });
  now += 20_000;
  observe(failed);
  expect(kinds()).toEqual(['disk-failing', 'disk-recovered']);
  now += minute;
  observe({ kind: 'heartbeat', ms: 1 });
  expect(kinds().filter((kind) => kind !== 'heartbeat')).toEqual([
    'disk-failing',
    'disk-recovered',
    'disk-failing',
  ]);
});
