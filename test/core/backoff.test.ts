import { expect, it } from 'vitest';
import { backoffMs } from '../../src/core/backoff.ts';

it('doubles up to the cap', () => {
  const waits = [1, 2, 3, 10, 10_000].map((attempt) =>
    backoffMs(attempt, { leastMs: 100, mostMs: 1_000 }, () => 1),
  );
  expect(waits).toEqual([100, 200, 400, 1_000, 1_000]);
});

it('takes off a random half at most', () => {
  expect(backoffMs(1, { leastMs: 100, mostMs: 1_000 }, () => 0)).toBe(50);
});
