import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastWill } from '../last-will.ts';
import { projectRoot } from '../postgres/project-root.ts';

export type Mutation =
  | 'no-second-clearing'
  | 'no-grace'
  | 'settle-from-the-claim'
  | 'cursor-before-clearing'
  | 'no-wipe'
  | 'trim-ahead'
  | 'temps-not-deleted';

export interface Edit {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/**
 * Each is one simplification of the protocol that test/model/ proves wrong. The stress test must detect it.
 */
export const mutations: Readonly<Record<Mutation, Edit>> = {
  'no-second-clearing': {
    file: 'clearing/second-round.js',
    from: 'await clearBatch(step, some, cache, { background: true })',
    to: 'await clearBatch(step, some, { clear: async () => ({ files: 0, failures: [] }) }, { background: true })',
  },
  'no-grace': {
    file: 'clearing/settling.js',
    from: 'beginCohort(rows, seen)',
    to: 'beginCohort(rows, { ...seen, virtual: [], prepared: [] })',
  },
  'settle-from-the-claim': {
    file: 'clearing/settling.js',
    from: 'return { cohort, graceEnded: cohort.waitsFor.size === 0 ? this.#snapshotAt : undefined,',
    to: `const { begun = this.#snapshotAt } = cohort;
         return { cohort: { ...cohort, begun }, graceEnded: cohort.waitsFor.size === 0 ? begun : undefined,`,
  },
  'cursor-before-clearing': {
    file: 'clearing/settling.js',
    from: 'const cursors = { settledTo: this.#settledTo,',
    to: 'const cursors = { settledTo: progress.gap.after,',
  },
  'no-wipe': {
    file: 'caches/files/wipe.js',
    from: 'await clear(patterns)',
    to: '{ files: 0, failures: [] }',
  },
  'trim-ahead': {
    file: 'postgres/trim.js',
    from: 'SELECT min(settled_to) FROM uncached.consumer',
    to: 'SELECT max(cleared_to) FROM uncached.consumer',
  },
  'temps-not-deleted': {
    file: 'filesystem/clear-patterns.js',
    from: 'if (!(this.#how.tempsLater && directory.isLarge()))',
    to: 'if (false)',
  },
};

/** No operator may let a node expire after a few seconds, but a run lasts minutes. */
const shorterExpire: Edit = {
  file: 'config/options.js',
  from: 'expire: { ...durationFrom(60_000)',
  to: 'expire: { ...durationFrom(1_000)',
};

/**
 * Makes a copy of the built daemon that contains the mutation, if any, and accepts a shorter `expire`. Production
 * code has no switch for it. Returns the copy's main.js.
 */
export function mutatedMain(mutation?: Mutation): string {
  return editedMain(mutation ? [mutations[mutation]] : []);
}

/** The same with any edits. */
export function editedMain(edits: readonly Edit[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'uncached-mutated-'));
  lastWill('rm -rf "$1"', folder);
  cpSync(join(projectRoot, 'dist'), join(folder, 'dist'), { recursive: true });
  cpSync(join(projectRoot, 'package.json'), join(folder, 'package.json'));
  symlinkSync(join(projectRoot, 'node_modules'), join(folder, 'node_modules'));

  for (const one of [shorterExpire, ...edits]) edit(folder, one);
  return join(folder, 'dist/main.js');
}

function edit(folder: string, { file, from, to }: Edit): void {
  const path = join(folder, 'dist', file);
  const parts = readFileSync(path, 'utf8').split(from);
  // If the code has changed, the copy would be unmutated, and the stress test would seem to detect nothing.
  if (parts.length !== 2)
    throw new Error(`Cannot write "${to}": ${file} has "${from}" ${parts.length - 1} times, not once`);
  writeFileSync(path, parts.join(to));
}
