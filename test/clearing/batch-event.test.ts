import { expect, it } from 'vitest';
import { batchEvent } from '../../src/clearing/batch-event.ts';
import { parseHandlers } from '../../src/clearing/handler.ts';
import type { TimedClaim } from '../../src/clearing/prefetch.ts';

const { handlers } = parseHandlers([{ name: 'page', queue: 'q', clear: ['{id}'], followers: [] }]);
const handler = [...handlers.values()][0];
if (!handler) throw new Error('no handler');

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
