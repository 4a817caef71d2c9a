import { expect, it } from 'vitest';
import { History } from '../../src/observe/history.ts';

const cleared = (handler: string, lagMs: number | null) =>
  ({
    kind: 'cleared',
    handler,
    entries: 1,
    keys: 1,
    examples: [],
    failedKeys: 0,
    files: 1,
    ms: 1,
    lagMs,
  }) as const;
const done = (handler: string, files: number) =>
  ({
    kind: 'batch-done',
    handler,
    consumer: 'files',
    cleared: [],
    files,
    failures: [],
    invalid: [],
  }) as const;
const counted = (backlogs: Readonly<Record<string, number | null>>) =>
  Object.entries(backlogs).map(([handler, backlog]) => ({ handler, backlog }));

it('has a sample of all and one of each handler of which there is something to say', () => {
  const history = new History(10_000);
  history.observe(done('a', 3));
  history.observe(cleared('a', 8.3333));
  history.observe(done('b', 2));
  history.observe(cleared('b', 1_000));
  history.observe(cleared('b', null));
  history.end(1, counted({ a: 0, b: 7, c: 0, d: 5 }));
  history.end(2, counted({ a: 0, b: 0, c: null }));
  history.end(3, undefined);
  const none = { backlog: null, files: 0 };
  expect(history.since(0)).toEqual([
    {
      at: 1,
      backlog: 12,
      files: 5,
      fastestMs: 8.3,
      slowestMs: 1_000,
      handlers: {
        a: { backlog: 0, files: 3, fastestMs: 8.3, slowestMs: 8.3 },
        b: { backlog: 7, files: 2, fastestMs: 1_000, slowestMs: 1_000 },
        d: { backlog: 5, files: 0 },
      },
    },
    { at: 2, ...none, handlers: { c: none } },
    { at: 3, ...none, handlers: { a: none, b: none, c: none } },
  ]);
  expect(history.since(2)).toHaveLength(1);
});

it('is of the last hour', () => {
  const history = new History(10_000);
  for (let at = 1; at <= 400; at++) history.end(at, []);
  expect(history.since(0).map(({ at }) => at)).toEqual(Array.from({ length: 360 }, (_, n) => n + 41));
});
