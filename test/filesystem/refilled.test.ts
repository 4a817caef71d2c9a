import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { clear } from '../../src/filesystem/clear-patterns.ts';
import { interposed } from './interposed.ts';
import { walks } from './walks.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uncached-refilled-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => vi.restoreAllMocks());

function make(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), 'x');
  }
}

describe.each(walks)('the %s walk', (_name, walk) => {
  it('removes a directory though pages are still made in it, for ten rounds', () => {
    // Of the two limits, only that of the rounds counts: no time passes, however busy the machine is.
    vi.spyOn(performance, 'now').mockReturnValue(0);
    for (const more of [5, 1_000]) {
      make('commits/abc/1');
      let made = 0;
      const remake = () =>
        existsSync(join(root, 'commits/abc')) && made < more && make(`commits/abc/new${made++}`);
      const { failures } = clear(root, ['commits/abc/'], interposed(walk, remake));
      expect(failures.map(({ path, code }) => `${path} ${code}`)).toEqual(
        more === 5 ? [] : ['commits/abc ENOTEMPTY'],
      );
    }
  });

  it('leaves a directory that is refilled while it is emptied after half a second, and empties the others', () => {
    make('commits/abc/sub/1', 'commits/abc/2', 'commits/def/1');
    let now = 0;
    vi.spyOn(performance, 'now').mockImplementation(() => now);
    let made = 0;
    // Each unlink takes a tenth of a second, and two new names appear for it.
    const remake = interposed(walk, () => {
      now += 100;
      if (existsSync(join(root, 'commits/abc/sub')))
        make(`commits/abc/sub/new${made++}`, `commits/abc/sub/new${made++}`);
    });
    const { failures } = clear(root, ['commits/*'], remake);
    expect(failures).toEqual([
      {
        pattern: 'commits/*',
        path: 'commits/abc/sub',
        code: 'ENOTEMPTY',
        message: 'was refilled while it was being emptied: it is tried again',
      },
    ]);
    expect(readdirSync(join(root, 'commits'))).toEqual(['abc']);
    expect(readdirSync(join(root, 'commits/abc'))).toEqual(['sub']);
    // Ten rounds would make thousands.
    expect(made).toBeLessThan(200);
    expect(clear(root, ['commits/*'], walk).failures).toEqual([]);
  });

  it.each([
    // Each first round takes a second, and each second round no time; or the other way round.
    { first: 1_000, second: 0, removes: 5 },
    { first: 0, second: 200, removes: 3 },
  ])(
    'has half a second for the rounds after the first of all directories together: $first and $second ms',
    ({ first, second, removes }) => {
      const subs = ['a', 'b', 'c', 'd', 'e'];
      make(...subs.map((sub) => `commits/abc/${sub}/1`));
      let now = 0;
      vi.spyOn(performance, 'now').mockImplementation(() => now);
      const refilled = new Set<string>();
      const emptied = new Set<string>();
      const remake = interposed(walk, () => {
        for (const sub of subs.filter((one) => !emptied.has(one))) {
          const path = join(root, 'commits/abc', sub);
          if (readdirSync(path).length > 0) continue;
          now += refilled.has(sub) ? second : first;
          if (refilled.has(sub)) emptied.add(sub);
          else make(`commits/abc/${sub}/late`);
          refilled.add(sub);
        }
      });
      const { failures } = clear(root, ['commits/abc/'], remake);
      expect(emptied.size).toBe(removes);
      expect(failures.map(({ code }) => code)).toEqual(removes === 5 ? [] : ['ENOTEMPTY']);
    },
  );
});
