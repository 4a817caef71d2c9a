import { expect, it } from 'vitest';
import { isOutage, TargetDownError, workerDied } from '../../src/core/errors.ts';

const coded = (code: string, cause?: Error) => Object.assign(new Error(code, cause && { cause }), { code });

it('takes a broken pipe to the database for an outage, and one to a worker for what it is', () => {
  const pipe = coded('EPIPE');
  expect(isOutage(pipe)).toBe(true);
  expect(isOutage(new Error('Cannot claim', { cause: pipe }))).toBe(true);
  expect(isOutage(coded(workerDied, pipe))).toBe(false);
  expect(isOutage(new Error('Cannot clear', { cause: coded(workerDied, pipe) }))).toBe(false);
});

it('takes no word of a cache for one of the database', () => {
  expect(isOutage(new Error('connection ended'))).toBe(true);
  expect(isOutage(new TargetDownError('http://v answers 503 (connection ended)'))).toBe(false);
});
