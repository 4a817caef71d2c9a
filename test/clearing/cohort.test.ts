import { expect, it } from 'vitest';
import { advanceCohort, beginCohort, type Cohort, mergeCohorts } from '../../src/clearing/cohort.ts';
import type { TransactionSnapshot } from '../../src/core/consumer-contract.ts';

const seen = (virtual: string[], prepared: string[] = [], at = '1'): TransactionSnapshot => ({
  at,
  virtual,
  prepared,
});
const begin = (snapshot: TransactionSnapshot, rows: Partial<Cohort> = {}) =>
  beginCohort({ upTo: 1, failing: [], wipes: false, ...rows }, snapshot);
const waiting = ({ phase, waitsFor }: Cohort) => [phase, ...waitsFor];

it('waits for the transactions that were open, and for none that began later', () => {
  let cohort = begin(seen(['3/1', '4/1']));
  expect(waiting(cohort)).toEqual(['virtual', '3/1', '4/1']);
  cohort = advanceCohort(cohort, seen(['4/1', '5/1']));
  expect(waiting(cohort)).toEqual(['virtual', '4/1']);
  expect(waiting(advanceCohort(cohort, seen(['5/1'])))).toEqual(['prepared']);
});

it('then waits for what is prepared when the virtual ids are gone, since one of them may be that', () => {
  let cohort = advanceCohort(begin(seen(['3/1'])), seen([], ['700']));
  expect(waiting(cohort)).toEqual(['prepared', '700']);
  cohort = advanceCohort(cohort, seen(['3/1'], ['700', '701']));
  expect(waiting(cohort)).toEqual(['prepared', '700']);
  expect(waiting(advanceCohort(cohort, seen([], ['701'])))).toEqual(['prepared']);
});

it('waits from the start for what is prepared where nothing else is open', () => {
  expect(waiting(begin(seen([], ['700'])))).toEqual(['prepared', '700']);
});

it('makes one of neighbours that wait for the same: with the end of the later one, and all that either has', () => {
  const earlier = begin(seen(['3/1'], [], '1'), { upTo: 5, failing: [1], wipes: true });
  const later = begin(seen(['3/1'], [], '2'), { upTo: 9, failing: [2] });
  expect(mergeCohorts([earlier, later])).toEqual([
    { ...later, upTo: 9, failing: [1, 2], wipes: true, at: '2' },
  ]);
});

it('keeps the later time, also where the clock was set back in between', () => {
  const [cohort] = mergeCohorts([begin(seen(['3/1'], [], '2')), begin(seen(['3/1'], [], '1'))]);
  expect(cohort?.at).toBe('2');
});

it('keeps cohorts apart that wait for other transactions, or in another phase', () => {
  const apart = [
    begin(seen(['3/1'])),
    begin(seen(['3/1', '4/1'])),
    begin(seen(['5/1', '4/1'])),
    begin(seen([], ['3/1'])),
  ];
  expect(mergeCohorts(apart)).toEqual(apart);
});

it('keeps no more than a limit, and lets the youngest wait for what its last one waits for', () => {
  const all = Array.from({ length: 300 }, (_, nth) => begin(seen([`${nth}/1`]), { upTo: nth + 1 }));
  const merged = mergeCohorts(all);
  expect(merged.length).toBeLessThan(110);
  expect(merged.slice(0, 100)).toEqual(all.slice(0, 100));
  expect(merged.at(-1)).toEqual(all.at(-1));
});
