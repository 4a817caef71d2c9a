import { beforeEach, expect, it } from 'vitest';
import { Upstream } from '../../src/clearing/upstream.ts';

let now: number;
let inner: { clearedTo: number; freshTo: number };
const clock = { now: () => now, wait: () => Promise.reject(new Error('nobody waits here')) };

beforeEach(() => {
  now = 1_000;
  inner = { clearedTo: 0, freshTo: 0 };
});

it('the first cache waits for nothing', () => {
  const upstream = new Upstream([], 2_000, clock);
  expect(upstream.msTo(99)).toBe(0);
  expect(upstream.clearedTo).toBe(Number.POSITIVE_INFINITY);
});

it('waits until the cache before it has settled, and then for the lag', () => {
  const upstream = new Upstream([inner], 2_000, clock);
  expect(upstream.msTo(5)).toBe(Number.POSITIVE_INFINITY);
  inner.freshTo = 5;
  expect(upstream.msTo(5)).toBe(2_000);
  now += 1_500;
  expect(upstream.msTo(5)).toBe(500);
  inner.freshTo = 9;
  expect([upstream.msTo(5), upstream.msTo(9)]).toEqual([500, 2_000]);
  now += 500;
  expect([upstream.msTo(5), upstream.msTo(9)]).toEqual([0, 1_500]);
});

it('never allows sooner than the lag, and not much later, while rows settle all the time', () => {
  const upstream = new Upstream([inner], 2_000, clock);
  const settledAt = new Map<number, number>();
  for (let id = 1; id <= 4_000; id++) {
    now += 1;
    inner.freshTo = id;
    settledAt.set(id, now);
    upstream.msTo(id);
    const asked = id - 1_950;
    if (asked < 1) continue;
    const left = (settledAt.get(asked) ?? 0) + 2_000 - now;
    expect(upstream.msTo(asked)).toBeGreaterThanOrEqual(left);
    expect(upstream.msTo(asked)).toBeLessThanOrEqual(left + 2_000 / 20);
  }
});

it('waits for the slowest of several', () => {
  const other = { clearedTo: 3, freshTo: 9 };
  inner = { clearedTo: 7, freshTo: 2 };
  const upstream = new Upstream([inner, other], 0, clock);
  expect(upstream.clearedTo).toBe(3);
  expect([upstream.msTo(2), upstream.msTo(3)]).toEqual([0, Number.POSITIVE_INFINITY]);
});

it('waits while the content of the cache before it is unknown', () => {
  const upstream = new Upstream([inner], 2_000, clock);
  inner.freshTo = 5;
  upstream.msTo(5);
  now += 3_000;
  inner.freshTo = Number.NEGATIVE_INFINITY;
  expect(upstream.msTo(5)).toBe(Number.POSITIVE_INFINITY);
});

it('waits for the lag again when the cache before it has begun again, though it has settled the same ids', () => {
  const upstream = new Upstream([inner], 2_000, clock);
  inner.freshTo = 5;
  upstream.msTo(5);
  now += 3_000;
  upstream.forget();
  inner.freshTo = Number.NEGATIVE_INFINITY;
  expect(upstream.msTo(5)).toBe(Number.POSITIVE_INFINITY);
  now += 1_000;
  inner.freshTo = 5;
  expect(upstream.msTo(5)).toBe(2_000);
});
