import { beforeEach, expect, it } from 'vitest';
import { Settling } from '../../src/clearing/settling.ts';
import type { Cache, Journal, JournalRow, TransactionSnapshot } from '../../src/core/contracts.ts';
import { contextOf } from './context.ts';

/** The memory of settling while transactions stay open and batches are large. */
let now: number;
let virtual: string[];
let rows: Map<number, JournalRow>;
/** When each row was claimed. A snapshot before that does not count for the row. */
let claimedAt: Map<number, string>;
let done: string[];
/** The number of rows of each snapshot. */
let looks: number[];
/** How often a list of transactions was searched. */
let walks: number;
/** More rows than this are too many for a statement: it runs into its time-out. */
let mostInTime: number;

const settleMs = 10_000;
const lookAgainMs = 250;

beforeEach(() => {
  now = 0;
  virtual = [];
  rows = new Map();
  claimedAt = new Map();
  done = [];
  looks = [];
  walks = 0;
  mostInTime = Number.POSITIVE_INFINITY;
});

function settlingBy(limit: number, settle = settleMs): Settling {
  const cache: Cache = {
    async clear(patterns) {
      done.push(`clear ${[...patterns].join(' ')}`);
      return { files: 0, failures: [] };
    },
    close: async () => {},
  };
  const found = (ids: readonly number[]) => ids.filter((id) => rows.has(id));
  const statement = (ids: readonly number[]) => {
    if (ids.length > mostInTime) throw new Error('canceling statement due to statement timeout');
  };
  const journal: Partial<Journal> = {
    async snapshot(ids): Promise<TransactionSnapshot> {
      statement(ids);
      looks.push(ids.length);
      return {
        found: found(ids),
        at: time(),
        virtual: counted([...virtual]),
        prepared: [],
      };
    },
    read: async ({ ids, at }) =>
      found(ids)
        .filter((id) => (claimedAt.get(id) ?? '') <= at)
        .flatMap((id) => rows.get(id) ?? []),
    async settle({ ids }) {
      statement(ids);
      for (const id of ids) rows.delete(id);
      done.push(`settle ${ids}`);
    },
  };
  return new Settling(contextOf({ journal, cache, now: () => now }), { settleMs: settle, limit });
}

const time = () => String(now).padStart(12, '0');

function counted(list: readonly string[]): readonly string[] {
  return new Proxy(list, {
    get(target, name) {
      if (name === 'filter') walks += 1;
      return Reflect.get(target, name);
    },
  });
}

function claim(settling: Settling, ...ids: number[]): void {
  for (const id of ids) {
    rows.set(id, { id, handler: 'page', key: { id: `p${id}` } });
    claimedAt.set(id, time());
  }
  settling.add(ids);
}

/** Steps until nothing can be done unless time passes or the world changes. */
async function run(settling: Settling): Promise<number | null> {
  for (;;) {
    const ms = await settling.step();
    if (ms !== 0) return ms;
  }
}

it('does as much for an event whether one cohort waits for a transaction or thousands do', async () => {
  const settling = settlingBy(2);
  virtual = ['3/1'];
  for (let id = 1; id <= 2_000; id++) {
    claim(settling, id);
    await settling.step();
  }
  // Each snapshot except the first searches what one cohort waits for.
  expect(walks).toBe(1_999);
  expect(settling.pending).toBe(2_000);
});

it('makes one of the cohorts that have come to wait for the same transactions', async () => {
  const settling = settlingBy(10);
  virtual = ['3/1', '4/1'];
  claim(settling, 1);
  await run(settling);
  virtual = ['3/1', '5/1'];
  now += 1_000;
  claim(settling, 2);
  await run(settling);
  virtual = ['3/1', '6/1'];
  now += lookAgainMs;
  await run(settling);
  virtual = ['6/1'];
  now += lookAgainMs;
  expect(await run(settling)).toBe(settleMs);
  now += settleMs;
  expect(await run(settling)).toBe(null);
  expect(done).toEqual(['clear p1 p2', 'settle 1,2']);
});

it('keeps cohorts separate when they wait for different transactions', async () => {
  const settling = settlingBy(10);
  virtual = ['3/1'];
  claim(settling, 1);
  await run(settling);
  virtual = ['3/1', '4/1'];
  claim(settling, 2);
  await run(settling);
  virtual = ['4/1'];
  now += lookAgainMs;
  await run(settling);
  now += settleMs;
  await run(settling);
  expect(done).toEqual(['clear p1', 'settle 1']);
  expect(settling.pending).toBe(1);
});

it('counts the settle time of each from the end of its own grace', async () => {
  const settling = settlingBy(10);
  claim(settling, 1);
  await run(settling);
  now += 4_000;
  claim(settling, 2);
  await run(settling);
  now += settleMs - 4_000;
  expect(await run(settling)).toBe(4_000);
  expect(done).toEqual(['clear p1', 'settle 1']);
});

it('accepts any number of rows at once, and checks and settles at most the limit at a time', async () => {
  const settling = settlingBy(100_000, 0);
  const ids = Array.from({ length: 350_000 }, (_, nth) => nth + 1);
  for (const id of ids) rows.set(id, { id, handler: 'page', key: { id: 'same' } });
  settling.add(ids.slice(0, 100_000));
  settling.add(ids.slice(100_000));
  expect(settling.pending).toBe(350_000);
  expect(await run(settling)).toBe(null);
  expect(rows.size).toBe(0);
  expect(looks).toEqual([100_000, 100_000, 100_000, 50_000]);
});

it('checks and settles fewer rows at a time where a statement runs into its time-out', async () => {
  const settling = settlingBy(1_000);
  const ids = Array.from({ length: 2_000 }, (_, nth) => nth + 1);
  for (const id of ids) rows.set(id, { id, handler: 'page', key: { id: 'same' } });
  settling.add(ids);
  const untilDone = async (most: number) => {
    let failures = 0;
    const fails = () =>
      run(settling).then(
        () => false,
        () => true,
      );
    while (failures < most && (await fails())) failures++;
    expect(failures).toBeLessThan(most);
  };
  mostInTime = 300;
  await untilDone(10);
  now += settleMs;
  mostInTime = 100;
  await untilDone(10);
  expect(rows.size).toBe(0);
  expect(settling.pending).toBe(0);
});
