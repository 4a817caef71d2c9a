import { beforeEach, expect, it } from 'vitest';
import { Absence } from '../../src/daemon/absence.ts';

let now: number;
let absence: Absence;
beforeEach(() => {
  now = 0;
  absence = new Absence({ now: () => now, wait: () => expect.fail('nobody waits') }, 1_000);
});

const at = (seenAt: string, id = 'a') => ({ id, seenAt });

it('finds who was not seen for so long, and says what it has seen of it', () => {
  expect(absence.look([at('1')])).toEqual([]);
  now = 999;
  expect(absence.look([at('1')])).toEqual([]);
  now = 1_000;
  expect(absence.look([at('1'), at('1', 'b')])).toEqual([at('1')]);
});

it('heeds each report, whatever time it tells', () => {
  absence.look([at('2')]);
  now = 900;
  absence.look([at('1')]);
  now = 1_800;
  expect(absence.look([at('1')])).toEqual([]);
  now = 1_900;
  expect(absence.look([at('1')])).toEqual([at('1')]);
});

it('counts from when it began to look, and again after each time it could not', () => {
  now = 50_000;
  expect(absence.look([at('1')])).toEqual([]);
  now = 50_900;
  absence.reset();
  expect(absence.look([at('1')])).toEqual([]);
  now = 51_800;
  expect(absence.look([at('1')])).toEqual([]);
  now = 51_900;
  expect(absence.look([at('1')])).toEqual([at('1')]);
});

it('forgets who is gone', () => {
  absence.look([at('1')]);
  now = 900;
  absence.look([]);
  now = 1_100;
  expect(absence.look([at('1')])).toEqual([]);
});
