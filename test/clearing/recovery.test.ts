import { beforeEach, expect, it } from 'vitest';
import { Pipeline } from '../../src/clearing/pipeline.ts';
import { recoverJournal, retryDue } from '../../src/clearing/recovery.ts';
import type { Cache, Journal, JournalRow, RecoveryScope, TakenOver } from '../../src/core/contracts.ts';
import type { Event } from '../../src/core/events.ts';
import { partsOf } from './context.ts';

/** A journal with a row for each of these ids. A part has 3 rows. */
let ids: number[];
let dead: Set<number>;
let others: number;
let orphans: Record<string, number>;
let asked: string[];
let events: Event[];
let cleared: number[];
let clearingFails = false;
let now: number;
let pipeline: Pipeline;
/** The result of each query for failing rows that are due. */
let due: JournalRow[][];
/** Called once, while the journal is read. */
let duringRead: () => void;

beforeEach(() => {
  ids = [1, 2, 3, 4, 5, 6, 7];
  dead = new Set();
  others = 0;
  orphans = {};
  asked = [];
  events = [];
  cleared = [];
  clearingFails = false;
  now = 0;
  duringRead = () => {};
  due = [];
});

const rowOf = (id: number): JournalRow => ({ id, handler: 'page', key: { id: `p${id}` } });

const journal: Partial<Journal> = {
  newest: async () => ids.at(-1) ?? 0,
  async takeOver({ handlers, after, upTo }): Promise<TakenOver> {
    asked.push(`take over ${handlers} after ${after}`);
    const part = ids.filter((id) => id > after && id <= upTo).slice(0, 3);
    const taken = part.filter((id) => dead.delete(id)).length;
    return { taken, others, orphans, upTo: part.length < 3 ? upTo : (part.at(-1) ?? upTo) };
  },
  async unsettled({ after, upTo, limit, which }) {
    asked.push(`read ${which} ${after} to ${upTo}`);
    const happens = duringRead;
    duringRead = () => {};
    happens();
    const wanted = ids.filter((id) => id > after && id <= upTo && which !== 'abandoned').slice(0, limit);
    return wanted.map(rowOf);
  },
  async retake({ handlers }) {
    asked.push(`retake ${handlers}`);
    return { rows: due.shift() ?? [], nextMs: 7_000 };
  },
};

const cache: Cache = {
  async clear(patterns) {
    if (clearingFails) throw new Error('the thread died');
    [...patterns].length;
    return { files: 0, failures: [] };
  },
  close: async () => {},
};

function again() {
  const parts = partsOf({ journal, cache, now: () => now });
  const observe = (event: Event) => void events.push(event);
  pipeline = new Pipeline({ ...parts, observe }, { settleMs: 0, batch: 2, lanes: true });
  pipeline.settling.add = (ids) => void cleared.push(...ids);
  return recoverJournal(pipeline, { limit: 2 });
}

async function readAll(reader: ReturnType<typeof again>, which: RecoveryScope) {
  asked = [];
  cleared = [];
  reader.begin(which);
  return goOn(reader);
}

/** Steps until nothing is left to read at once. */
async function goOn(reader: ReturnType<typeof again>) {
  for (;;) {
    const ms = await reader.step();
    if (ms !== 0) return ms;
  }
}

it('reads the journal a part at a time, and begins with each before it has seen the next', async () => {
  await readAll(again(), 'all');
  expect(asked).toEqual([
    'take over page after 0',
    'read all 0 to 3',
    'read all 2 to 3',
    'take over page after 3',
    'read all 3 to 6',
    'read all 5 to 6',
    'take over page after 6',
    'read all 6 to 7',
  ]);
  expect(cleared).toEqual(ids);
  expect(events.filter(({ kind }) => kind === 'journal-recovery')).toHaveLength(1);
});

it('clears what it takes over, even when it only reads abandoned rows', async () => {
  dead = new Set([5]);
  await readAll(again(), 'abandoned');
  // From that part on.
  expect(cleared).toEqual([4, 5, 6, 7]);
});

it('reads rows again whose clearing failed', async () => {
  const reader = again();
  reader.begin('all');
  clearingFails = true;
  await expect(reader.step()).rejects.toThrow('the thread died');
  clearingFails = false;
  while ((await reader.step()) === 0);
  expect(cleared).toEqual(ids);
});

it('reads again soon while others have rows of these handlers', async () => {
  others = 1;
  expect(await readAll(again(), 'abandoned')).toBe(2_000);
});

it('reports rows without a handler once, and again when they come back', async () => {
  const reader = again();
  const told = () => events.filter(({ kind }) => kind === 'rows-orphaned');
  orphans = { images: 2 };
  await readAll(reader, 'all');
  await readAll(reader, 'all');
  expect(told()).toEqual([{ kind: 'rows-orphaned', handler: 'images', rows: 6 }]);
  orphans = {};
  await readAll(reader, 'all');
  orphans = { images: 1 };
  await readAll(reader, 'all');
  expect(told()).toHaveLength(2);
});

it('asks an empty journal for nothing', async () => {
  ids = [];
  await readAll(again(), 'all');
  expect(asked).toEqual([]);
});

it('asks for the retries that may be due among what it takes over, and for none otherwise', async () => {
  const reader = again();
  await readAll(reader, 'all');
  expect(pipeline.context.retries.asked).toBe(false);
  dead = new Set([5]);
  await readAll(reader, 'abandoned');
  expect(pipeline.context.retries.asked).toBe(true);
});

it.each<[RecoveryScope, RecoveryScope, RecoveryScope]>([
  ['all', 'not-waiting', 'all'],
  ['all', 'abandoned', 'all'],
  ['not-waiting', 'all', 'all'],
  ['not-waiting', 'abandoned', 'not-waiting'],
  ['abandoned', 'not-waiting', 'not-waiting'],
])('of %s and then %s it reads %s', async (first, second, read) => {
  const reader = again();
  reader.begin(first);
  await reader.step();
  await readAll(reader, second);
  const scopes = new Set(asked.flatMap((one) => /^read (\S+)/.exec(one)?.[1] ?? []));
  expect([...scopes]).toEqual([read]);
});

it('begins at the start again when more is asked for, and goes on when it is only what is abandoned', async () => {
  const reader = again();
  reader.begin('all');
  for (let step = 0; step < 3; step++) await reader.step();
  await readAll(reader, 'abandoned');
  expect(asked[0]).toBe('read all 5 to 6');
  reader.begin('all');
  for (let step = 0; step < 3; step++) await reader.step();
  await readAll(reader, 'all');
  expect(asked[0]).toBe('take over page after 0');
});

it('reads everything where it was to read all, though it takes rows over', async () => {
  dead = new Set([2]);
  await readAll(again(), 'all');
  expect(asked.filter((one) => /^read (?!all)/.test(one))).toEqual([]);
});

it('does not forget a recovery that is begun while the last part, which is empty, is read', async () => {
  ids = [1];
  const reader = again();
  reader.begin('abandoned');
  duringRead = () => reader.begin('not-waiting');
  expect(await reader.step()).toBe(0);
  asked = [];
  await goOn(reader);
  expect(asked).toContain('read not-waiting 0 to 1');
  expect(cleared).toEqual([1]);
});

it('reads again every few seconds for as long as a lost claim may still be committed', async () => {
  const reader = again();
  expect(await readAll(reader, 'not-waiting')).toBe(5_000);
  now = 9_999;
  expect(await goOn(reader)).toBe(5_000);
  now = 10_000;
  expect(await goOn(reader)).toBe(null);
  expect(asked.at(-1)).toBe('read abandoned 6 to 7');
  expect(await readAll(reader, 'abandoned')).toBe(null);
});

it('passes over rows that are being cleared, or wait for it', async () => {
  const reader = again();
  const held = [rowOf(2), rowOf(6)];
  pipeline.context.inFlight.add(held);
  await readAll(reader, 'all');
  expect(cleared).toEqual([1, 3, 4, 5, 7]);
  pipeline.context.inFlight.remove(held);
  await readAll(reader, 'all');
  expect(cleared).toEqual(ids);
});

it('asks its loop for a run when it is begun', () => {
  const reader = again();
  reader.begin('abandoned');
  expect(reader.wakeup.asked).toBe(true);
});

it('clears what is due for a retry, and says when the next is', async () => {
  due = [[rowOf(1), rowOf(2)], [rowOf(3)]];
  again();
  const step = retryDue(pipeline, { limit: 2 });
  expect(await step()).toBe(0);
  expect(cleared).toEqual([1, 2]);
  expect(await step()).toBe(0);
  expect(cleared).toEqual([1, 2, 3]);
  expect(await step()).toBe(7_000);
  expect(asked[0]).toBe('retake page');
});
