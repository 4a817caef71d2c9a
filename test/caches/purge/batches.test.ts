import { expect, it } from 'vitest';
import { batches } from '../../../src/caches/purge/batches.ts';

const limits = { works: 3, bytes: 100, cost: (work: string) => work.length };

it('gathers so many works', () => {
  expect([...batches(['a', ['b', 'c'], 'd'], limits)]).toEqual([['a', 'b', 'c'], ['d']]);
  expect([...batches(['a', 'b'], { ...limits, works: 1 })]).toEqual([['a'], ['b']]);
  expect([...batches([], limits)]).toEqual([]);
});

it('gathers so many bytes, and leaves a larger one alone', () => {
  const works = ['1234', '123456', '1', '12345678901', '1'];
  expect([...batches(works, { ...limits, bytes: 10 })]).toEqual([
    ['1234', '123456'],
    ['1'],
    ['12345678901'],
    ['1'],
  ]);
});

it('names a work once in a batch', () => {
  expect([...batches(['a', ['b', 'a'], 'b', 'c', 'd', 'a'], limits)]).toEqual([
    ['a', 'b', 'c'],
    ['d', 'a'],
  ]);
});

it('reads no more than it gives', () => {
  let read = 0;
  function* endless() {
    for (;;) yield `${read++}`;
  }
  const parts = batches(endless(), limits);
  for (let part = 1; part <= 1_000; part++) expect(parts.next().value).toHaveLength(3);
  expect(read).toBeLessThanOrEqual(3_001);
});
