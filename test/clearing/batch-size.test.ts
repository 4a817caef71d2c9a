import { expect, it } from 'vitest';
import { AdaptiveBatchSize } from '../../src/clearing/batch-size.ts';
import { usualTimings } from '../../src/core/timings.ts';

it('shrinks when claims are slow or fail, to 10 at the least, and grows back when they are quick', () => {
  const pace = new AdaptiveBatchSize(1_000, usualTimings.claims);
  pace.succeeded(1_001);
  expect(pace.size).toBe(500);
  pace.succeeded(500);
  expect(pace.size).toBe(500);
  for (let failure = 0; failure < 20; failure++) pace.failed();
  expect(pace.size).toBe(10);
  for (let quick = 0; quick < 20; quick++) pace.succeeded(10);
  expect(pace.size).toBe(1_000);
});

it('never takes more than the limit, however small that is', () => {
  const pace = new AdaptiveBatchSize(3, usualTimings.claims);
  pace.failed();
  expect(pace.size).toBe(3);
});
