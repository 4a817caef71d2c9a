import { getEventListeners } from 'node:events';
import { expect, it } from 'vitest';
import { childOf } from '../../src/core/aborted.ts';

it('a child aborts with its signal, also with one that was aborted before', () => {
  const parent = new AbortController();
  const child = childOf(parent.signal);
  expect(child.signal.aborted).toBe(false);
  parent.abort();
  expect(child.signal.aborted).toBe(true);
  expect(childOf(parent.signal).signal.aborted).toBe(true);
});

it('a child that was aborted leaves nothing at its signal, and does not abort it', () => {
  const parent = new AbortController();
  for (let nth = 0; nth < 3; nth++) childOf(parent.signal).abort();
  expect(getEventListeners(parent.signal, 'abort')).toEqual([]);
  expect(parent.signal.aborted).toBe(false);
});
