import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clear } from '../../src/filesystem/clear-patterns.ts';
import { refusal } from '../../src/filesystem/walk/directory.ts';
import { guardSteps } from '../../src/filesystem/walk/step-guard.ts';
import { tracedWalk } from '../../src/filesystem/walk/traced-walk.ts';
import { walks } from './walks.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uncached-root-failure-'));
  mkdirSync(join(root, 'news'));
  writeFileSync(join(root, 'news/1'), 'x');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** The patterns with where they failed, and whether all that they name did. */
const failed = (patterns: string[], walk: Parameters<typeof clear>[2]) =>
  clear(root, patterns, walk).failures.map(({ pattern, path, whole = false, code }) => [
    pattern,
    path,
    whole,
    code,
  ]);

describe.each(walks)('%s walk', (_name, walk) => {
  it('a root that does not answer fails all that the patterns name; a directory only what is below it', () => {
    const without = (...suspended: string[]) =>
      tracedWalk(
        walk,
        guardSteps({ suspended }, () => {}),
      );
    expect(failed(['*', 'news/*'], without(''))).toEqual([
      ['*', root, true, 'ETIMEDOUT'],
      ['news/*', root, true, 'ETIMEDOUT'],
    ]);
    expect(failed(['news/*', '*/*'], without('news'))).toEqual([
      ['news/*', 'news', false, 'ETIMEDOUT'],
      ['*/*', 'news', false, 'ETIMEDOUT'],
    ]);
  });

  it('a root that cannot be listed fails all that the patterns name', () => {
    const refusing = tracedWalk(walk, (path, isListing) => {
      if (path === '' && isListing) throw refusal('EIO', 'no');
    });
    expect(failed(['*/*', 'news/1'], refusing)).toEqual([
      ['news/1', root, true, 'EIO'],
      ['*/*', root, true, 'EIO'],
    ]);
  });
});
