import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastWill } from '../last-will.ts';
import { projectRoot } from '../postgres/project-root.ts';

export type Mutation = 'no-second-clearing' | 'no-grace' | 'settle-from-the-claim' | 'temps-not-deleted';

/**
 * Each is one simplification of the protocol that test/model/ proves wrong. The stress test must detect it.
 */
export const mutations: Readonly<Record<Mutation, { file: string; from: string; to: string }>> = {
  'no-second-clearing': {
    file: 'clearing/settling.js',
    from: 'const { files, cleared, invalid } = await clearRows(rows, this.#context);',
    to: `const cache = { ...this.#context.cache, clear: async () => ({ files: 0, failures: [] }) };
         const { files, cleared, invalid } = await clearRows(rows, { ...this.#context, cache });`,
  },
  'no-grace': {
    file: 'clearing/settling.js',
    from: 'begin(seen,',
    to: 'begin({ ...seen, virtual: [], prepared: [] },',
  },
  'settle-from-the-claim': {
    file: 'clearing/settling.js',
    from: 'over.graceEnded = now;',
    to: '',
  },
  'temps-not-deleted': {
    file: 'filesystem/clear-patterns.js',
    from: 'if (!(this.#how.tempsLater && directory.isLarge()))',
    to: 'if (false)',
  },
};

/**
 * Makes a copy of the built daemon that contains the mutation. Production code has no switch for it. Returns
 * the copy's main.js.
 */
export function mutatedMain(mutation: Mutation): string {
  const folder = mkdtempSync(join(tmpdir(), 'uncached-mutated-'));
  lastWill('rm -rf "$1"', folder);
  cpSync(join(projectRoot, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(projectRoot, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));

  const { file, from, to } = mutations[mutation];
  const path = join(folder, 'dist', file);
  const parts = readFileSync(path, 'utf8').split(from);
  // If the code has changed, the copy would be unmutated, and the stress test would seem to detect nothing.
  if (parts.length !== 2)
    throw new Error(`Cannot make ${mutation}: ${file} has its line ${parts.length - 1} times, not once`);
  writeFileSync(path, parts.join(to));
  return join(folder, 'dist/main.js');
}
