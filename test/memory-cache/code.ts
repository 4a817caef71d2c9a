import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { followedCache } from '../../src/memory-cache/followed-cache.ts';
import { layeredPages } from '../../src/memory-cache/layered-pages.ts';
import { sharedListener } from '../../src/memory-cache/shared-listener.ts';
import { projectRoot } from '../postgres/project-root.ts';

/** The parts of the real code that a schedule runs. */
export interface Code {
  readonly followedCache: typeof followedCache;
  readonly sharedListener: typeof sharedListener;
  readonly layeredPages: typeof layeredPages;
}

export const realCode: Code = { followedCache, sharedListener, layeredPages };

export interface Mutation {
  readonly file: string;
  readonly edits: readonly (readonly [from: string, to: string])[];
}

/** The code with one precaution taken away, in a copy that is deleted when the test has finished. */
export async function mutant({ file, edits }: Mutation): Promise<Code> {
  mkdirSync(join(projectRoot, 'build'), { recursive: true });
  // Below the project's root, where its packages are found.
  const folder = mkdtempSync(join(projectRoot, 'build/memory-cache-mutant-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const part of ['core', 'memory-cache', 'daemon/listen.ts'])
    cpSync(join(projectRoot, 'src', part), join(folder, part), { recursive: true });
  const path = join(folder, 'memory-cache', file);
  let text = readFileSync(path, 'utf8');
  for (const [from, to] of edits) {
    if (text.split(from).length !== 2) throw new Error(`Cannot mutate ${file}: it has not once "${from}"`);
    text = text.replace(from, () => to);
  }
  writeFileSync(path, text);
  const load = (name: string) => import(/* @vite-ignore */ join(folder, 'memory-cache', name));
  return {
    ...(await load('followed-cache.ts')),
    ...(await load('shared-listener.ts')),
    ...(await load('layered-pages.ts')),
  };
}
