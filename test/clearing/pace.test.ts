import { expect, it } from 'vitest';
import { Pace } from '../../src/clearing/pace.ts';

it('shrinks when claims are slow or fail, to 10 at the least, and grows back when they are quick', () => {
  const pace = new Pace(1_000);
  pace.took(1_001);
  expect(pace.size).toBe(500);
  pace.took(500);
  expect(pace.size).toBe(500);
  for (let failure = 0; failure < 20; failure++) pace.failed();
  expect(pace.size).toBe(10);
  for (let quick = 0; quick < 20; quick++) pace.took(10);
  expect(pace.size).toBe(1_000);
});

it('never takes more than the limit, however small that is', () => {
  const pace = new Pace(3);
  pace.failed();
  expect(pace.size).toBe(3);
});
