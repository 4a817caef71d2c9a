import { beforeEach, expect, it, vi } from 'vitest';
import { Progress } from '../../src/clearing/progress.ts';
import type { LogRow } from '../../src/core/contracts.ts';
import { random } from '../random.ts';

let progress: Progress;
beforeEach(() => {
  progress = new Progress(100);
});

/** The rows of a claim, whose ids follow each other. */
function claim(first: number, last = first): LogRow[] {
  return Array.from({ length: last - first + 1 }, (_, nth) => ({
    id: first + nth,
    handler: 'page',
    key: {},
  }));
}

it('has cleared all up to an id once what is before it is done, whatever is done first', () => {
  const [first, second] = [claim(101, 105), claim(106, 110)];
  expect([progress.add(first), progress.add(second)]).toEqual([true, true]);
  progress.finish(second);
  expect(progress.clearedTo).toBe(100);
  progress.finish(first);
  expect(progress.clearedTo).toBe(110);
  expect(progress.gap).toEqual({ after: 110 });
});

it('names the first ids that nobody has told it of', () => {
  expect(progress.gap).toEqual({ after: 100 });
  progress.add(claim(101, 105));
  expect(progress.gap).toEqual({ after: 105 });
  progress.add(claim(120, 125));
  progress.add(claim(111, 115));
  expect(progress.gap).toEqual({ after: 105, upTo: 110 });
});

it('knows a range by its ends where it is empty: these ids were never used', () => {
  progress.add(claim(106));
  const nothing: LogRow[] = [];
  expect(progress.add(nothing, { after: 100, upTo: 105 })).toBe(true);
  progress.finish(nothing);
  expect(progress.clearedTo).toBe(105);
});

it('takes nothing twice, not even in part', () => {
  const held = claim(110, 120);
  progress.add(held);
  for (const known of [claim(110, 120), claim(105, 110), claim(120, 125), claim(112), claim(100, 130)])
    expect(progress.add(known)).toBe(false);
  progress.finish(held);
  expect(progress.add(claim(115))).toBe(false);
  expect(progress.add(claim(100))).toBe(false);
  expect(progress.add(claim(109))).toBe(true);
  expect(progress.add(claim(121))).toBe(true);
});

it('takes no rows for a claim whose ids do not follow each other', () => {
  expect(progress.add([...claim(101), ...claim(103)])).toBe(false);
  expect(progress.add([])).toBe(false);
  expect(progress.gap).toEqual({ after: 100 });
});

it('has a gap again where rows were given up, and keeps what was cleared', () => {
  const [first, second] = [claim(101, 105), claim(106, 110)];
  progress.add(first);
  progress.add(second);
  progress.finish(second);
  progress.giveUp(first);
  progress.giveUp(second);
  expect(progress.gap).toEqual({ after: 100, upTo: 105 });
  expect(progress.add(claim(101, 105))).toBe(true);
});

it('heeds nothing that it was not told of', () => {
  const rows = claim(101);
  progress.finish(rows);
  progress.giveUp(rows);
  expect(progress.clearedTo).toBe(100);
  progress.add(claim(101));
  progress.finish(rows);
  expect(progress.clearedTo).toBe(100);
});

it('has as much to remember whether one claim or a thousand are done beyond a slow one', () => {
  const slow = claim(101);
  progress.add(slow);
  const searched = vi.spyOn(Array.prototype, 'findIndex');
  for (let id = 102; id <= 1_100; id++) {
    const rows = claim(id);
    progress.add(rows);
    progress.finish(rows);
  }
  const ranges = searched.mock.contexts.map((list) => (list as unknown[]).length);
  searched.mockRestore();
  expect(Math.max(...ranges)).toBe(2);
  progress.finish(slow);
  expect(progress.clearedTo).toBe(1_100);
});

it('agrees with a list of every id, whatever comes in which order', () => {
  const { below, chance, pick } = random();
  for (let round = 0; round < 300; round++) {
    progress = new Progress(0);
    const state = new Map<number, 'under way' | 'done'>();
    const underWay: { rows: LogRow[]; ids: number[] }[] = [];
    for (let step = 0; step < 40; step++) {
      const first = 1 + below(60);
      const rows = claim(first, first + below(6));
      const one = chance(0.5) && underWay.length > 0 ? pick(underWay) : undefined;
      if (one) {
        const finishes = chance(0.7);
        if (finishes) progress.finish(one.rows);
        else progress.giveUp(one.rows);
        for (const id of one.ids)
          if (finishes) state.set(id, 'done');
          else state.delete(id);
        underWay.splice(underWay.indexOf(one), 1);
      } else {
        const ids = rows.map(({ id }) => id);
        const isNew = ids.every((id) => !state.has(id));
        expect(progress.add(rows)).toBe(isNew);
        if (!isNew) continue;
        for (const id of ids) state.set(id, 'under way');
        underWay.push({ rows, ids });
      }
      expectSame(state);
    }
  }
});

function expectSame(state: ReadonlyMap<number, 'under way' | 'done'>): void {
  let clearedTo = 0;
  while (state.get(clearedTo + 1) === 'done') clearedTo++;
  let after = clearedTo;
  while (state.has(after + 1)) after++;
  const beyond = [...state.keys()].filter((id) => id > after);
  expect(progress.clearedTo).toBe(clearedTo);
  expect(progress.gap).toEqual(beyond.length > 0 ? { after, upTo: Math.min(...beyond) - 1 } : { after });
}
