import { describe, expect, test } from 'vitest';
import { explore } from '../model/explore.ts';
import { protocol, type Rules } from './protocol-world.ts';

const ours: Rules = {
  writers: 2,
  changes: 2,
  temp: 'unique',
  steps: ['open', 'snapshot', 'write half', 'write rest', 'rename'],
  listings: [['temp'], ['page']],
  settle: false,
  join: 'temp in place',
};

describe('the writer protocol holds in every interleaving', () => {
  test('of two writers that may die, two changes and their clearings, and a reader', () => {
    const verdict = explore(protocol(ours));
    expect(verdict).toMatchObject({ holds: true });
    expect(verdict.states).toBeGreaterThan(100_000);
  });

  test('of writers that spool elsewhere, given a second clearing after the settle time', () => {
    expect(explore(protocol({ ...ours, temp: 'elsewhere', settle: true, join: 'none' }))).toMatchObject({
      holds: true,
    });
  });
});

describe('a first clearing that leaves temps to the second', () => {
  const later: Rules = { ...ours, first: [['page']], settle: 'at once' };

  test('holds, from the end of the second on, however soon that comes', () => {
    expect(explore(protocol(later))).toMatchObject({ holds: true });
  });

  test.each([
    ['lists only once', [['temp', 'page']]],
    ['deletes pages before temps', [['page'], ['temp']]],
    ['leaves temps, too', [['page']]],
  ] as const)('does not hold if the second %s', (_name, listings) => {
    expect(convict({ ...later, changes: 1, join: 'none', listings })).toMatch(/=> stale page$/);
  });
});

/**
 * The shortest trace to the error is kept. If a change to the model stops it from finding the error, the test
 * fails.
 */
describe('the model convicts', () => {
  const simple: Rules = { ...ours, changes: 1, join: 'none' };

  test('a clearing that lists only once', () => {
    expect(convict({ ...simple, listings: [['temp', 'page']] })).toMatchInlineSnapshot(`
      "writer 0 opens temp0
      writer 0 takes its snapshot
      change 1 commits
      writer 0 writes half
      writer 0 writes the rest
      the clearing begins
      it begins to list
      writer 0 renames temp0 to page
      it ends listing: nothing
      it has deleted what it listed
      the clearing ends
      => stale page"
    `);
  });

  test('a clearing that deletes pages before temps', () => {
    expect(convict({ ...simple, listings: [['page'], ['temp']] })).toMatchInlineSnapshot(`
      "writer 0 opens temp0
      writer 0 takes its snapshot
      change 1 commits
      writer 0 writes half
      writer 0 writes the rest
      the clearing begins
      it begins to list
      writer 0 renames temp0 to page
      it ends listing: nothing
      it has deleted what it listed
      it begins to list
      it ends listing: page
      it has deleted what it listed
      the clearing ends
      => stale page"
    `);
  });

  test('a temp opened after the snapshot', () => {
    const steps = ['snapshot', 'open', 'write half', 'write rest', 'rename'] as const;
    expect(convict({ ...simple, steps })).toMatchInlineSnapshot(`
      "writer 0 takes its snapshot
      change 1 commits
      the clearing begins
      it begins to list
      writer 0 opens temp0
      writer 0 writes half
      writer 0 writes the rest
      it ends listing: nothing
      it has deleted what it listed
      it begins to list
      writer 0 renames temp0 to page
      it ends listing: nothing
      it has deleted what it listed
      the clearing ends
      => stale page"
    `);
  });

  test('one fixed temp name, opened O_EXCL as a lock (P. J. Eby, 2007)', () => {
    expect(convict({ ...simple, temp: 'fixed' })).toMatchInlineSnapshot(`
      "change 1 commits
      writer 0 opens temp
      writer 0 takes its snapshot
      writer 0 writes half
      writer 0 writes the rest
      the clearing begins
      it begins to list
      it ends listing: temp
      it deletes temp
      writer 1 opens temp
      writer 0 renames temp to page
      => torn page"
    `);
  });

  test('a spool directory that no clearing lists, without the settle time', () => {
    expect(convict({ ...simple, temp: 'elsewhere' })).toMatchInlineSnapshot(`
      "writer 0 opens spool0
      writer 0 takes its snapshot
      change 1 commits
      writer 0 writes half
      writer 0 writes the rest
      the clearing begins
      it begins to list
      it ends listing: spool0
      it has deleted what it listed
      it begins to list
      writer 0 renames spool0 to page
      it ends listing: nothing
      it has deleted what it listed
      the clearing ends
      => stale page"
    `);
  });

  test('a reader that joins a render without looking for its temp', () => {
    expect(convict({ ...simple, join: 'any' })).toMatchInlineSnapshot(`
      "writer 0 opens temp0
      writer 0 takes its snapshot
      change 1 commits
      the clearing begins
      it begins to list
      it ends listing: temp0
      it deletes temp0
      it has deleted what it listed
      it begins to list
      it ends listing: nothing
      it has deleted what it listed
      the clearing ends
      a reader joins the render of writer 0
      => stale render joined"
    `);
  });
});

function convict(rules: Rules): string {
  const verdict = explore(protocol(rules));
  if (verdict.holds) throw new Error(`Cannot convict: nothing is broken in ${verdict.states} states`);
  return [...verdict.trace, `=> ${verdict.broken}`].join('\n');
}
