import { expect, it } from 'vitest';
import type { HandlerStatus } from '../../src/core/daemon-status.ts';
import { UnknownAges } from '../../src/observe/unknown-ages.ts';

const known: HandlerStatus = {
  handler: 'h',
  state: 'configured',
  problem: null,
  backlog: 0,
  lagMs: 0,
  lagAtLeastMs: 0,
  claimed: 0,
  settling: 0,
  longestSettlingMs: null,
  failing: 0,
  invalid: 0,
  newestInvalidAgeMs: null,
  error: null,
};
const ageless = (backlog: number): HandlerStatus => ({ ...known, backlog, lagMs: null });

function leave(all: UnknownAges, entries: number): void {
  all.observe({
    kind: 'cleared',
    handler: 'h',
    entries,
    keys: entries,
    examples: [],
    failedKeys: 0,
    files: 0,
    ms: 1,
    lagMs: null,
  });
}

function waited(all: UnknownAges, one: HandlerStatus): number | undefined {
  return all.judge([one])[0]?.lagAtLeastMs;
}

it('a backlog of unknown age that stands still has waited since it was first counted', () => {
  const all = new UnknownAges();
  all.counted([ageless(20_508)], 0);
  all.counted([ageless(20_508)], 50_000);
  all.counted([ageless(20_600)], 60_000);
  expect(waited(all, ageless(20_600))).toBe(60_000);
});

it('one of which only some leave is as old as those that are left', () => {
  const all = new UnknownAges();
  all.counted([ageless(100)], 0);
  leave(all, 99);
  all.counted([ageless(100)], 10_000);
  expect(waited(all, ageless(100))).toBe(10_000);
  leave(all, 1);
  all.counted([ageless(100)], 20_000);
  expect(waited(all, ageless(100))).toBe(0);
  all.counted([ageless(100)], 30_000);
  expect(waited(all, ageless(100))).toBe(10_000);
});

it('starts again after the queue was empty, or its ages known', () => {
  const all = new UnknownAges();
  all.counted([ageless(1)], 0);
  all.counted([known], 10_000);
  all.counted([ageless(1)], 20_000);
  all.counted([ageless(1)], 21_000);
  expect(waited(all, ageless(1))).toBe(1_000);
  all.counted([{ ...known, backlog: 1, lagMs: 5, lagAtLeastMs: 5 }], 30_000);
  expect(waited(all, { ...known, backlog: 1, lagMs: 5, lagAtLeastMs: 5 })).toBe(5);
});

it('what is known to be older stays so', () => {
  const all = new UnknownAges();
  const some = { ...ageless(2), lagAtLeastMs: 7_000 };
  all.counted([some], 0);
  expect(waited(all, some)).toBe(7_000);
});
