import { expect, it } from 'vitest';
import { formatDuration, parseDuration, toSeconds, writeDuration } from '../../src/core/duration.ts';

it.each([
  ['500ms', 500],
  ['0s', 0],
  ['90s', 90_000],
  ['5m', 300_000],
  ['36h', 129_600_000],
])('%s is read and written', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
  expect(writeDuration(ms)).toBe(text);
});

it('refuses a time without its unit', () => {
  expect(parseDuration('1.5 s')).toBe(1_500);
  for (const text of ['', '10', '-1s', '10 days']) expect(() => parseDuration(text)).toThrow('with its unit');
});

it.each([
  [0, '0 s'],
  [1_540, '1.5 s'],
  [59_600, '60 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_199_000, '120 min'],
  [7_200_000, '2 h'],
  [200_000_000, '2 days'],
])('%d ms are %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});

it('gives seconds with one decimal', () => {
  expect([49, 50, 1_240].map(toSeconds)).toEqual([0, 0.1, 1.2]);
});
