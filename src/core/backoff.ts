import type { Limits } from './timings.ts';

/**
 * The wait before attempt number `attempt` (1, 2, 3…): it doubles from `leastMs` to `mostMs`. Then up to half
 * is taken off at random, so that daemons that lost the same server do not return at the same moment.
 */
export function backoffMs(
  attempt: number,
  { leastMs, mostMs }: Limits,
  random: () => number = Math.random,
): number {
  const full = Math.min(mostMs, leastMs * 2 ** Math.min(attempt - 1, 30));
  return full / 2 + (full / 2) * random();
}
