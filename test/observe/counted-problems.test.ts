import { expect, it } from 'vitest';
import type { Problem } from '../../src/core/daemon-status.ts';
import type { Event } from '../../src/core/events.ts';
import { CountedProblems } from '../../src/observe/counted-problems.ts';

const locked: Problem = { level: 'critical', kind: 'handler', handler: 'news', text: 'news: lock timeout' };

function counting() {
  const counted = new CountedProblems();
  const told: string[] = [];
  const observe = ({ kind }: Event) => told.push(kind);
  return { told, count: (found: Problem[], known: Problem[]) => counted.log(found, known, observe) };
}

it('reports a problem when it is found, and when it is no longer', () => {
  const { told, count } = counting();
  for (const found of [[], [locked], [locked], [], []]) count(found, []);
  expect(told).toEqual(['problem-found', 'problem-resolved']);
});

it('leaves out what is reported already', () => {
  const { told, count } = counting();
  count([locked], [locked]);
  count([], [locked]);
  expect(told).toEqual([]);
});

it('resolves nothing that lasts, though a loop reports the same meanwhile', () => {
  const { told, count } = counting();
  count([locked], []);
  count([locked], [locked]);
  count([locked], []);
  expect(told).toEqual(['problem-found']);
  count([], []);
  expect(told).toEqual(['problem-found', 'problem-resolved']);
});
