import { beforeEach, expect, it } from 'vitest';
import type { ClearingContext } from '../../src/clearing/clear-rows.ts';
import { parseHandlers } from '../../src/clearing/handler.ts';
import { lanesOf } from '../../src/clearing/lanes.ts';
import { Settling } from '../../src/clearing/settling.ts';
import type { Cache, Journal, JournalRow, TransactionSnapshot } from '../../src/core/contracts.ts';
import { contextOf } from './context.ts';

/** A journal with only the methods that settling uses, and the world around it. */
let now: number;
let open: { virtual: string[]; prepared: string[] };
let rows: Map<number, { row: JournalRow; claimedAt: number }>;
let done: string[];
let settling: Settling;
let lookFails = false;
/** For each snapshot: the rows that it checked and the rows that it marked. */
let looks: { cleared: readonly number[]; mark: readonly number[] }[];
let context: ClearingContext;

const settleMs = 10_000;
const lookAgainMs = 250;

beforeEach(() => {
  now = 1_000_000_000;
  open = { virtual: [], prepared: [] };
  rows = new Map();
  done = [];
  looks = [];
  const cache: Cache = {
    async clear(patterns, how) {
      // First clearings come first, because their pages are stale.
      expect(how).toEqual({ background: true });
      done.push(`clear ${[...patterns].join(' ')}`);
      return { files: 0, failures: [] };
    },
    close: async () => {},
  };
  const found = (ids: readonly number[], at: string) =>
    ids.flatMap((id) => {
      const one = rows.get(id);
      return one && one.claimedAt <= Number(at) ? [one.row] : [];
    });
  const journal: Partial<Journal> = {
    async snapshot(ids, mark): Promise<TransactionSnapshot> {
      if (lookFails) throw new Error('cut');
      looks.push({ cleared: ids, mark });
      return { found: ids.filter((id) => rows.has(id)), at: String(now), ...structuredClone(open) };
    },
    read: async ({ ids, at }) => found(ids, at),
    async settle({ ids, at }) {
      for (const { id } of found(ids, at)) {
        rows.delete(id);
        done.push(`settle ${id}`);
      }
    },
  };
  context = contextOf({ journal, cache, now: () => now });
  settling = new Settling(context, { settleMs, limit: 2 });
});

function claim(...ids: number[]): void {
  for (const id of ids) rows.set(id, { row: { id, handler: 'page', key: { id: `p${id}` } }, claimedAt: now });
  settling.add(ids);
}

/** Steps until nothing can be done unless time passes or the world changes. */
async function run(): Promise<number | null> {
  for (;;) {
    const ms = await settling.step();
    if (ms !== 0) return ms;
  }
}

it('waits the settle time, clears again, and only then deletes the row', async () => {
  claim(1);
  expect(await run()).toBe(settleMs);
  now += settleMs - 1;
  expect(await run()).toBe(1);
  expect(done).toEqual([]);
  now += 1;
  expect(await run()).toBe(null);
  expect(done).toEqual(['clear p1', 'settle 1']);
  expect(settling.pending).toBe(0);
});

it('waits for every transaction in the snapshot, and for no later one', async () => {
  open.virtual = ['3/1', '4/1'];
  claim(1);
  await run();
  now += 3_600_000;
  open.virtual = ['4/1', '5/1'];
  await run();
  expect(done).toEqual([]);
  open.virtual = ['5/1'];
  now += 1_000;
  expect(await run()).toBe(settleMs);
  now += settleMs;
  expect(await run()).toBe(null);
  expect(done).toEqual(['clear p1', 'settle 1']);
});

it('counts the settle time from the end of the grace, not from the claim', async () => {
  open.virtual = ['3/1'];
  claim(1);
  await run();
  now += settleMs * 5;
  open.virtual = [];
  expect(await run()).toBe(settleMs);
  expect(done).toEqual([]);
});

it('waits for what was prepared when the virtual ids were gone', async () => {
  open.virtual = ['3/1'];
  claim(1);
  await run();
  open = { virtual: [], prepared: ['700'] };
  now += lookAgainMs;
  await run();
  now += settleMs * 2;
  await run();
  expect(done).toEqual([]);
  open.prepared = ['701'];
  now += lookAgainMs;
  expect(await run()).toBe(settleMs);
});

it('waits for transactions that were already prepared at the snapshot', async () => {
  open.prepared = ['700'];
  claim(1);
  await run();
  now += settleMs * 2;
  await run();
  expect(done).toEqual([]);
  open.prepared = [];
  now += lookAgainMs;
  expect(await run()).toBe(settleMs);
});

it('takes rows added later as a cohort of their own, with transactions of their own', async () => {
  claim(1);
  await run();
  now += 4_000;
  open.virtual = ['3/1'];
  claim(2, 3, 4);
  await run();
  now += 6_000;
  await run();
  expect(done).toEqual(['clear p1', 'settle 1']);
  open.virtual = [];
  now += lookAgainMs;
  await run();
  now += settleMs;
  expect(await run()).toBe(null);
  // In batches of the limit.
  expect(done.slice(2)).toEqual(['clear p2 p3', 'settle 2', 'settle 3', 'clear p4', 'settle 4']);
});

it('forgets a row that the snapshot does not find: the claim was undone by a crash', async () => {
  settling.add([7]);
  expect(await run()).toBe(null);
});

it('leaves a row alone that has the id of an undone claim but was claimed after the snapshot', async () => {
  claim(1);
  await run();
  rows.clear();
  now += 1;
  rows.set(1, { row: { id: 1, handler: 'page', key: { id: 'other' } }, claimedAt: now });
  now += settleMs;
  await run();
  expect(done.filter((what) => what.startsWith('settle'))).toEqual([]);
  expect(rows.size).toBe(1);
});

it('keeps rows for the next snapshot when one failed', async () => {
  claim(1);
  lookFails = true;
  await expect(settling.step()).rejects.toThrow('cut');
  lookFails = false;
  open.virtual = ['9/9'];
  claim(2);
  await run();
  expect(settling.pending).toBe(2);
  open.virtual = [];
  now += lookAgainMs;
  await run();
  now += settleMs;
  await run();
  expect(done).toEqual(['clear p1 p2', 'settle 1', 'settle 2']);
});

it('takes one snapshot for batches that follow each other, and takes it at once after the last', async () => {
  for (const id of [1, 2]) {
    rows.set(id, { row: { id, handler: 'page', key: { id: `p${id}` } }, claimedAt: now });
    settling.add([id], { more: true });
    if (id === 1) expect(await run()).toBe(500);
  }
  // A full batch to settle need not wait for more rows.
  expect(await run()).toBe(settleMs);
  expect(looks.map(({ cleared }) => cleared)).toEqual([[1, 2]]);

  rows.set(3, { row: { id: 3, handler: 'page', key: { id: 'p3' } }, claimedAt: now });
  settling.add([3], { more: true });
  now += 499;
  expect(await run()).toBe(1);
  now += 1;
  await run();
  expect(looks).toHaveLength(2);
  claim(4);
  await run();
  expect(looks).toHaveLength(3);
});

it('marks rows as settling at their snapshot', async () => {
  claim(1);
  await run();
  expect(looks).toEqual([{ cleared: [1], mark: [1] }]);
});

it('marks without a settle time only what a transaction holds up', async () => {
  settling = new Settling(context, { settleMs: 0, limit: 2 });
  claim(1);
  expect(await run()).toBe(null);
  expect(done).toEqual(['clear p1', 'settle 1']);
  open.virtual = ['3/1'];
  claim(2);
  expect(await run()).toBe(lookAgainMs);
  now += lookAgainMs;
  await run();
  now += lookAgainMs;
  await run();
  expect(looks.map(({ mark }) => mark)).toEqual([[], [], [2], []]);
  open.virtual = [];
  now += lookAgainMs;
  expect(await run()).toBe(null);
  expect(done.slice(2)).toEqual(['clear p2', 'settle 2']);
});

it('keeps rows in a lane in flight: they are not abandoned, however long the command takes', async () => {
  const { handlers } = parseHandlers([{ name: 'page', clear: [], run: 'sleep 60', followers: [] }]);
  const lanes = lanesOf(handlers, context.inFlight);
  settling = new Settling({ ...context, handlers, lanes }, { settleMs: 0, limit: 2 });
  claim(1);
  await run();
  const row = { id: 1, handler: 'page', key: {} };
  expect(context.inFlight.exclude([row])).toEqual([]);
  await lanes.get('page')?.step();
  expect(done).toEqual(['clear ', 'settle 1']);
  expect(context.inFlight.exclude([row])).toEqual([row]);
});
