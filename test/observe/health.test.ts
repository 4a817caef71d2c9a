import { expect, it } from 'vitest';
import type { HandlerStatus } from '../../src/core/daemon-status.ts';
import { usualThresholds } from '../../src/core/daemon-status.ts';
import { assess, levelOf } from '../../src/observe/health.ts';

const well: HandlerStatus = {
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

function verdict(found: Partial<HandlerStatus>): string[] {
  const problems = assess([{ ...well, ...found }], usualThresholds);
  return [levelOf(problems), ...problems.map(({ kind, text }) => `${kind}: ${text}`)];
}

it.each<[Partial<HandlerStatus>, string[]]>([
  [{}, ['ok']],
  [{ backlog: 5, lagMs: 2_999, lagAtLeastMs: 2_999 }, ['ok']],
  [{ backlog: 5, lagMs: 3_000, lagAtLeastMs: 3_000 }, ['warning', 'lag: h lags 3 s behind']],
  [{ backlog: 5, lagMs: 60_000, lagAtLeastMs: 60_000 }, ['critical', 'lag: h lags 60 s behind']],
  [
    { backlog: 1, lagMs: null, lagAtLeastMs: 3_000 },
    ['warning', 'backlog: 1 entry waits for h, some for at least 3 s: their age is unknown'],
  ],
  [
    { backlog: 20_508, lagMs: null, lagAtLeastMs: 61_000 },
    ['critical', 'backlog: 20508 entries wait for h, some for at least 61 s: their age is unknown'],
  ],
  [
    { failing: 1, error: 'no', lagMs: 4_000, lagAtLeastMs: 4_000 },
    ['warning', 'lag: h lags 4 s behind', 'failing: h: 1 row failing: no'],
  ],
  [
    { failing: 2, error: 'no', lagMs: 70_000, lagAtLeastMs: 70_000 },
    ['critical', 'lag: h lags 70 s behind', 'failing: h: 2 rows failing: no'],
  ],
  [{ problem: 'no right', backlog: null, lagMs: null }, ['critical', 'handler: h: no right']],
  [{ state: 'disabled', problem: 'add A' }, ['ok']],
  [
    { state: 'disabled', problem: 'add A', backlog: 2 },
    ['critical', 'handler: h is disabled, and 2 entries wait for it: add A'],
  ],
  [
    { state: 'disabled', problem: 'add A', backlog: null },
    ['critical', 'handler: h is disabled, and an unknown number of entries waits for it: add A'],
  ],
  [
    { state: 'unknown', settling: 1, failing: 2, error: 'x' },
    [
      'warning',
      'orphaned: the log has 3 rows of h, which is not configured: configure it again, or discard them: uncached failing drop --handler h',
      'failing: h: 2 rows failing: x',
    ],
  ],
  [
    { settling: 1, longestSettlingMs: 3_600_000 },
    [
      'warning',
      'settling: h has been settling for over an hour: look for an old transaction in pg_stat_activity',
    ],
  ],
  [
    { invalid: 3, newestInvalidAgeMs: 3_599_999 },
    ['warning', 'invalid: h: 3 rows with an invalid key: uncached failing list'],
  ],
  [{ invalid: 3, newestInvalidAgeMs: 3_600_000 }, ['ok']],
  [{ backlog: 999_999 }, ['ok']],
  [{ backlog: 1_000_000 }, ['warning', 'backlog: h has at least 1000000 entries waiting']],
  [{ settling: 999_999 }, ['ok']],
  [
    { settling: 999_999, claimed: 1 },
    ['warning', 'log: the log has at least 1000000 rows; the rest is not counted'],
  ],
])('judges %o', (found, expected) => {
  expect(verdict(found)).toEqual(expected);
});

it('one handler that cannot work hides nothing of the others', () => {
  const problems = assess(
    [
      { ...well, problem: 'no right', backlog: null, lagMs: null },
      { ...well, handler: 'late', lagMs: 61_000, lagAtLeastMs: 61_000 },
    ],
    usualThresholds,
  );
  expect(problems.map(({ handler, kind }) => [handler, kind])).toEqual([
    ['h', 'handler'],
    ['late', 'lag'],
  ]);
});
