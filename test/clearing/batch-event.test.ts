import { expect, it } from 'vitest';
import { batchEvent, readEvent } from '../../src/clearing/batch-event.ts';
import type { TimedClaim } from '../../src/clearing/prefetch.ts';
import { filesSteps } from './fake-cache.ts';

const handler = { handler: 'page', columns: ['id'] };

const claim = (ids: number[], given: { entries: number; lagMs: number | null }): TimedClaim => ({
  rows: ids.map((id) => ({ id, handler: 'page', key: { id: `p${id}` } })),
  started: 10,
  claimed: 20,
  ...given,
});

const old = claim([1, 2, 3, 4, 5], { entries: 50, lagMs: 1_000 });
const young = claim([6, 7], { entries: 9, lagMs: 100 });

const event = (...failed: number[]) =>
  batchEvent(handler, [old, young], { files: 3, failed: new Set(failed), now: 30 });

it('counts every entry, and the oldest one, where nothing failed', () => {
  expect(event()).toEqual({
    kind: 'cleared',
    handler: 'page',
    entries: 59,
    keys: 7,
    failedKeys: 0,
    examples: [{ id: 'p1' }, { id: 'p2' }, { id: 'p3' }],
    files: 3,
    ms: 20,
    lagMs: 1_010,
  });
});

it('does not count anything that may have failed as cleared: no key, no entry, no age', () => {
  expect(event(1, 3)).toMatchObject({
    kind: 'cleared',
    entries: 3 + 9,
    keys: 5,
    failedKeys: 2,
    examples: [{ id: 'p2' }, { id: 'p4' }, { id: 'p5' }],
    lagMs: 110,
  });
  expect(event(1, 2, 3, 4, 5, 6)).toMatchObject({
    kind: 'cleared',
    entries: 1,
    keys: 1,
    failedKeys: 6,
    lagMs: null,
  });
});

it('is not cleared where everything failed', () => {
  const { kind, ...rest } = event(1, 2, 3, 4, 5, 6, 7);
  expect(kind).toBe('clear-failed');
  expect(rest).toEqual({
    handler: 'page',
    failedKeys: 7,
    examples: [{ id: 'p1' }, { id: 'p2' }, { id: 'p3' }],
    files: 3,
    ms: 20,
  });
});

/** Rows 1 to 4 were read from the log. Those up to `toldTo` were cleared before. */
function read(toldTo: number, { failed = [] as number[], invalid = [] as number[] } = {}) {
  const rows = [1, 2, 3, 4].map((id) => ({ id, handler: 'page', key: { id: `p${id}` } }));
  const step = filesSteps().get('page') ?? expect.fail('no handler');
  const because = (ids: number[]) => ids.map((id) => ({ id, error: 'no' }));
  const outcome = { files: 3, cleared: [], failures: because(failed), invalid: because(invalid) };
  return readEvent({ handler: 'page', rows, lagMs: 500 }, step, outcome, { toldTo, started: 10, now: 30 });
}

it('counts a row of the log for an entry, and its age until now', () => {
  expect(read(0)).toMatchObject({ kind: 'cleared', entries: 4, keys: 4, files: 3, ms: 20, lagMs: 520 });
  expect(read(0, { failed: [1], invalid: [2] })).toMatchObject({
    entries: 2,
    keys: 2,
    failedKeys: 2,
    lagMs: null,
  });
});

it('tells of rows of the log once: what was cleared before is left out, and so is an age that may be theirs', () => {
  expect(read(2)).toMatchObject({ entries: 2, keys: 2, examples: [{ id: 'p3' }, { id: 'p4' }], lagMs: null });
  expect(read(4)).toBe(undefined);
});
