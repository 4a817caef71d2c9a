import { readdirSync, realpathSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { clear } from '../../src/filesystem/clear-patterns.ts';
import { attack, type SwapAttack } from './swap-attack.ts';
import { walks } from './walks.ts';

/**
 * The place of the swap: the directory that is swapped, the pattern that leads there, and how a clearing by
 * path would proceed.
 */
const levels = {
  'a literal component': {
    target: 'ports/www',
    pattern: 'ports/www/*',
    byPath: (root: string) => unlinkChecked(root, join(root, 'ports/www')),
  },
  'a wildcard component': {
    target: 'ports/www',
    pattern: 'ports/*/*',
    byPath: (root: string) => {
      for (const name of readdirSync(join(root, 'ports'))) unlinkChecked(root, join(root, 'ports', name));
    },
  },
  'a child of root': {
    target: 'news',
    pattern: 'news/*',
    byPath: (root: string) => unlinkChecked(root, join(root, 'news')),
  },
  'a directory to be removed': {
    target: 'commits',
    pattern: 'commits/',
    byPath: (root: string) => rmSync(join(root, 'commits'), { recursive: true, force: true }),
  },
  'a directory in one to be removed': {
    target: 'commits/abc/sub',
    pattern: 'commits/*',
    byPath: (root: string) => rmSync(join(root, 'commits/abc'), { recursive: true, force: true }),
  },
} as const;

/** The usual check: the directory's real path is below root, so delete in it. */
function unlinkChecked(root: string, directory: string): void {
  if (!realpathSync(directory).startsWith(`${root}/`)) return;
  for (const name of readdirSync(directory)) {
    try {
      unlinkSync(join(directory, name));
    } catch {
      // A file that is already gone counts as deleted.
    }
  }
}

/** On each level, by each walk. A clearing by path fails sooner, often much sooner. */
const clearings = 1_500;

let attacked: SwapAttack | undefined;
afterEach(() => attacked?.end());

describe.each(Object.entries(levels))(
  'with %s swapped for a link and back',
  (_level, { target, pattern, byPath }) => {
    it.each(walks)(`the %s walk loses no outside file in ${clearings} clearings`, async (_name, walk) => {
      attacked = await attack(target);
      const { root, losses } = attacked;
      const met = { files: 0, failures: 0 };
      // This must not pass because there was no attack. It must find files to delete and links to refuse. The
      // last component may be a link.
      const wasMet = () => met.files > 0 && (met.failures > 0 || pattern.startsWith('commits'));
      const deadline = performance.now() + 90_000;
      for (let round = 1; round <= clearings || (!wasMet() && performance.now() < deadline); round++) {
        const { files, failures } = clear(root, [pattern], walk);
        met.files += files;
        met.failures += failures.length;
        if (losses() > 0) expect(losses(), `lost in clearing ${round}`).toBe(0);
      }
      expect(wasMet(), JSON.stringify(met)).toBe(true);
    });

    it('a clearing by path is convicted', async ({ annotate }) => {
      attacked = await attack(target);
      const { root, losses } = attacked;
      const deadline = performance.now() + 90_000;
      let rounds = 0;
      while (losses() === 0 && performance.now() < deadline) {
        rounds += 1;
        try {
          byPath(root);
        } catch {
          // For example, the directory is gone. The daemon would retry.
        }
      }
      await annotate(`the first loss came in clearing ${rounds}`);
      expect(losses()).toBeGreaterThan(0);
    });
  },
);
