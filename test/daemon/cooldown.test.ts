import { expect, it } from 'vitest';
import { usualTimings } from '../../src/core/timings.ts';
import { EmptyClaimCooldown } from '../../src/daemon/cooldown.ts';

let now = 0;
const empty = (rest: EmptyClaimCooldown) => {
  now += rest.remainingMs;
  rest.record({ found: false });
  return rest.remainingMs;
};

it('grows with each claim that finds nothing, to 50 ms at most', () => {
  const rest = new EmptyClaimCooldown(() => now, usualTimings.claims);
  expect(rest.remainingMs).toBe(0);
  expect(Array.from({ length: 8 }, () => empty(rest))).toEqual([1, 2, 4, 8, 16, 32, 50, 50]);
  now += 49;
  expect(rest.remainingMs).toBe(1);
  now += 10;
  expect(rest.remainingMs).toBe(0);
});

it('ends with whatever is found', () => {
  const rest = new EmptyClaimCooldown(() => now, usualTimings.claims);
  for (let look = 0; look < 8; look++) empty(rest);
  rest.record({ found: true });
  expect(rest.remainingMs).toBe(0);
  expect(empty(rest)).toBe(1);
});

it('starts again after a calm', () => {
  const rest = new EmptyClaimCooldown(() => now, usualTimings.claims);
  for (let look = 0; look < 8; look++) empty(rest);
  now += 1_000;
  expect(empty(rest)).toBe(1);
});
