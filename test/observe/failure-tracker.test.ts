import { expect, it } from 'vitest';
import { usualTimings } from '../../src/core/timings.ts';
import { FailureTracker } from '../../src/observe/failure-tracker.ts';

const { forgetMs } = usualTimings.reporting.log;

const hour = 3_600_000;

const row = (id: number, consumer = 'files') => ({ consumer, id });

it('remembers no more rows than a bound, however many fail', () => {
  const suffering = new FailureTracker(forgetMs);
  for (let id = 0; id < 1_000_000; id++) suffering.failed(row(id), `h: error ${id}`, 0, 'h');
  expect(suffering.size).toBeLessThanOrEqual(100_001);
});

it('counts the rest of a group as one, which no row that works ends', () => {
  const suffering = new FailureTracker(forgetMs, 2);
  expect([1, 2, 3, 4].map((id) => suffering.failed(row(id), 'EROFS', 0))).toEqual([
    'EROFS',
    'EROFS',
    'EROFS',
    undefined,
  ]);
  for (const id of [1, 2, 3]) suffering.recovered(row(id));
  expect(suffering.count('EROFS')).toBe(1);
  // There is room again, and this row had failed before.
  expect(suffering.failed(row(4), 'EROFS', hour)).toBeUndefined();
  suffering.forget(2 * hour);
  expect(suffering.count('EROFS')).toBe(1);
  suffering.forget(3 * hour);
  expect(suffering.count('EROFS')).toBe(0);
  expect(suffering.failed(row(5), 'EROFS', 3 * hour)).toBe('EROFS');
});

it('reports a group that begins when there is no room', () => {
  const suffering = new FailureTracker(forgetMs, 1);
  suffering.failed(row(1), 'one: a', 0, 'one');
  expect(suffering.failed(row(2), 'other: b', 0, 'other')).toBe('other');
  expect(suffering.count('other')).toBe(1);
  expect(suffering.failed(row(3), 'other: c', 0, 'other')).toBeUndefined();
  // A loop is not part of a group.
  expect(suffering.failed({ loop: 'settle' }, 'EIO', 0)).toBe('EIO');
  expect(suffering.recovered({ loop: 'settle' })).toBe(true);
});

it('takes a row that fails in one cache and works in another for two', () => {
  const suffering = new FailureTracker(forgetMs);
  expect(suffering.failed(row(1), 'a', 0)).toBe('a');
  expect(suffering.recovered(row(1, 'command h'))).toBe(false);
  expect(suffering.failed(row(1), 'a', 0)).toBeUndefined();
  expect(suffering.failed(row(1, 'command h'), 'a', 0)).toBe('a');
  expect(suffering.count('a')).toBe(2);
  expect(suffering.recovered(row(1))).toBe(true);
  expect(suffering.count('a')).toBe(1);
});
