import { expect, test } from 'vitest';
import { explore, type Model } from './explore.ts';

/** Two clerks raise one counter. Each reads it and writes one more: the classic lost update. */
function clerks(atomic: boolean): Model<{ counter: number; read: number[]; done: boolean[] }> {
  return {
    start: { counter: 0, read: [-1, -1], done: [false, false] },
    *next({ counter, read, done }) {
      for (const who of [0, 1]) {
        if (done[who]) continue;
        const note = read[who] ?? -1;
        const finished = done.with(who, true);
        if (atomic) yield { label: `${who} raises`, state: { counter: counter + 1, read, done: finished } };
        else if (note < 0)
          yield { label: `${who} reads`, state: { counter, read: read.with(who, counter), done } };
        else yield { label: `${who} writes`, state: { counter: note + 1, read, done: finished } };
      }
    },
    broken: ({ counter }, quiet) => (quiet && counter !== 2 ? `the counter says ${counter}` : undefined),
  };
}

test('explore returns the shortest trace into a broken state', () => {
  const verdict = explore(clerks(false));
  expect(verdict).toMatchObject({ holds: false, broken: 'the counter says 1' });
  expect(verdict.holds ? [] : verdict.trace).toEqual(['0 reads', '1 reads', '0 writes', '1 writes']);
});

test('explore counts the states and the quiet ones when nothing is broken', () => {
  expect(explore(clerks(true))).toEqual({ holds: true, states: 4, quiet: 1 });
});

test('explore refuses to run for ever', () => {
  const endless: Model<number> = {
    start: 0,
    next: (n) => [{ label: 'count', state: n + 1 }],
    broken: () => undefined,
  };
  expect(() => explore(endless, 100)).toThrow('more than 100 states');
});
