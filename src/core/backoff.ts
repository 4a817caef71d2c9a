/**
 * The wait before attempt number `attempt` (1, 2, 3…): it doubles from `baseMs` to `capMs`. Then up to half
 * is taken off at random, so that daemons that lost the same server do not return at the same moment.
 */
export function backoffMs(
  attempt: number,
  {
    baseMs = 100,
    capMs = 5_000,
    random = Math.random,
  }: { baseMs?: number; capMs?: number; random?: () => number } = {},
): number {
  const full = Math.min(capMs, baseMs * 2 ** Math.min(attempt - 1, 30));
  return full / 2 + (full / 2) * random();
}
