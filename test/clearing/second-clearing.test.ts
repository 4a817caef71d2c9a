import { beforeEach, expect, it } from 'vitest';
import { Settling } from '../../src/clearing/settling.ts';
import type { Cache, Journal, JournalRow } from '../../src/core/contracts.ts';
import type { Event } from '../../src/core/events.ts';
import { contextOf } from './context.ts';

let now: number;
let done: string[];
let told: Event[];
let settling: Settling;

const settleMs = 100;

const rows: JournalRow[] = [
  { id: 1, handler: 'page', key: { id: 'p1' } },
  { id: 2, handler: 'page', key: { id: 'a/b' } },
  { id: 3, handler: 'page', key: { id: 'stuck' } },
];

const cache: Cache = {
  async clear(patterns) {
    const cleared = [...patterns].flat();
    done.push(`clear ${cleared.join(' ')}`);
    const failing = cleared.filter((pattern) => pattern === 'stuck');
    return {
      files: 0,
      failures: failing.map((pattern) => ({ pattern, path: pattern, code: 'EIO', message: 'broken' })),
    };
  },
  close: async () => {},
};

const journal: Partial<Journal> = {
  snapshot: async (ids) => ({ found: ids, at: 'then', virtual: [], prepared: [] }),
  read: async ({ ids }) => rows.filter(({ id }) => ids.includes(id)),
  settle: async ({ ids, at }) => void done.push(`settle ${ids} ${at}`),
  keepInvalid: async (invalid, at) => void done.push(`keep ${invalid.map(({ id }) => id)} ${at}`),
  async fail(failures) {
    done.push(`fail ${failures.map(({ id }) => id)}`);
    return 0;
  },
};

beforeEach(() => {
  now = 1_000;
  done = [];
  told = [];
  const observe = (event: Event) => void told.push(event);
  settling = new Settling(
    { ...contextOf({ journal, cache, now: () => now }), observe },
    { settleMs, limit: 10 },
  );
});

/** Runs the second clearing of rows that have been cleared once. */
async function settle(...ids: number[]): Promise<void> {
  settling.add(ids);
  expect(await settling.step()).toBe(settleMs);
  expect(done).toEqual([]);
  now += settleMs;
  expect(await settling.step()).toBe(null);
  expect(settling.pending).toBe(0);
}

it('keeps a row with an invalid key after its second clearing, and does not report it again', async () => {
  await settle(1, 2);
  expect(done).toEqual(['clear p1', 'settle 1 then', 'keep 2 then']);
  expect(told).toMatchObject([
    { kind: 'batch-done', cleared: [1], failures: [], invalid: [{ id: 2, known: true }] },
    { kind: 'settled', rows: 2 },
  ]);
});

it('keeps a row whose second clearing fails for a retry', async () => {
  await settle(1, 3);
  expect(done).toEqual(['clear p1 stuck', 'fail 3', 'settle 1 then']);
  expect(told).toMatchObject([
    { kind: 'batch-done', cleared: [1], failures: [{ id: 3, code: 'EIO' }] },
    { kind: 'settled', rows: 1 },
  ]);
});
