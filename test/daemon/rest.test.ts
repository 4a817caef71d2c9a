import { expect, it } from 'vitest';
import { Rest } from '../../src/daemon/rest.ts';

let now = 0;
const empty = (rest: Rest) => {
  now += rest.ms;
  rest.looked({ found: false });
  return rest.ms;
};

it('grows with each look that finds nothing, to 50 ms at most', () => {
  const rest = new Rest(() => now);
  expect(rest.ms).toBe(0);
  expect(Array.from({ length: 8 }, () => empty(rest))).toEqual([1, 2, 4, 8, 16, 32, 50, 50]);
  now += 49;
  expect(rest.ms).toBe(1);
  now += 10;
  expect(rest.ms).toBe(0);
});

it('ends with whatever is found', () => {
  const rest = new Rest(() => now);
  for (let look = 0; look < 8; look++) empty(rest);
  rest.looked({ found: true });
  expect(rest.ms).toBe(0);
  expect(empty(rest)).toBe(1);
});

it('begins anew when it was calm', () => {
  const rest = new Rest(() => now);
  for (let look = 0; look < 8; look++) empty(rest);
  now += 1_000;
  expect(empty(rest)).toBe(1);
});
