import { expect, it } from 'vitest';
import { formatOversize, maxValueBytes } from '../../src/core/value-size.ts';

it('knows a value that is too long to be read, and how long it was before it was cut', () => {
  expect(formatOversize('x'.repeat(maxValueBytes))).toBeUndefined();
  expect(formatOversize('é'.repeat(maxValueBytes / 2))).toBeUndefined();
  expect(formatOversize('x'.repeat(maxValueBytes + 1))).toBe('8 KB');
  expect(formatOversize('é'.repeat(maxValueBytes / 2 + 1))).toBe('8 KB');
  expect(formatOversize(`${'x'.repeat(maxValueBytes)}... (${150 * 1024 * 1024} bytes)`)).toBe('150 MB');
});

it('takes a byte that is no UTF-8 for the one byte that it is', () => {
  expect(formatOversize('\udce9'.repeat(maxValueBytes))).toBeUndefined();
});
