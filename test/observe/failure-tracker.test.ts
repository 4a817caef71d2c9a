import { expect, it } from 'vitest';
import { FailureTracker } from '../../src/observe/failure-tracker.ts';

const hour = 3_600_000;

it('remembers no more rows than a bound, however many fail', () => {
  const suffering = new FailureTracker();
  for (let id = 0; id < 1_000_000; id++) suffering.failed(id, `h: error ${id}`, 0, 'h');
  expect(suffering.size).toBeLessThanOrEqual(100_001);
});

it('counts the rest of a group as one, which no row that works ends', () => {
  const suffering = new FailureTracker(2);
  expect([1, 2, 3, 4].map((id) => suffering.failed(id, 'EROFS', 0))).toEqual([
    'EROFS',
    'EROFS',
    'EROFS',
    undefined,
  ]);
  for (const id of [1, 2, 3]) suffering.recovered(id);
  expect(suffering.count('EROFS')).toBe(1);
  // There is room again, and this row had failed before.
  expect(suffering.failed(4, 'EROFS', hour)).toBeUndefined();
  suffering.forget(2 * hour);
  expect(suffering.count('EROFS')).toBe(1);
  suffering.forget(3 * hour);
  expect(suffering.count('EROFS')).toBe(0);
  expect(suffering.failed(5, 'EROFS', 3 * hour)).toBe('EROFS');
});

it('reports a group that begins when there is no room', () => {
  const suffering = new FailureTracker(1);
  suffering.failed(1, 'one: a', 0, 'one');
  expect(suffering.failed(2, 'other: b', 0, 'other')).toBe('other');
  expect(suffering.count('other')).toBe(1);
  expect(suffering.failed(3, 'other: c', 0, 'other')).toBeUndefined();
  // A loop is not part of a group.
  expect(suffering.failed('settle', 'EIO', 0)).toBe('EIO');
  expect(suffering.recovered('settle')).toBe(true);
});
