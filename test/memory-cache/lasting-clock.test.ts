import { afterEach, expect, it, vi } from 'vitest';
import { lastingClock } from '../../src/memory-cache/lasting-clock.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('goes on while the machine sleeps, and is not set back with the time of day', () => {
  const monotonic = vi.spyOn(performance, 'now').mockReturnValue(1_000);
  const ofDay = vi.spyOn(Date, 'now').mockReturnValue(50_000);
  const { now } = lastingClock();
  const begun = now();
  monotonic.mockReturnValue(1_010);
  ofDay.mockReturnValue(50_010);
  expect(now() - begun).toBe(10);
  // Suspended for ten minutes.
  ofDay.mockReturnValue(650_010);
  expect(now() - begun).toBe(600_010);
  monotonic.mockReturnValue(1_020);
  ofDay.mockReturnValue(0);
  expect(now() - begun).toBe(600_020);
});
