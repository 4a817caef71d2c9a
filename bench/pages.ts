import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** The pages of a cache, for one run. */
export interface Pages {
  readonly root: string;
  readonly folder: string;
  /** Resolves with performance.now() when the last page is found to be gone. */
  gone(signal?: AbortSignal): Promise<number>;
  /** How many pages still existed, or were not checked, at the last check of `gone`. */
  left(): number;
  remove(): void;
}

export function writePages(parent: string, paths: Iterable<string>, bytes: number): Pages {
  const folder = mkdtempSync(join(parent, 'site-'));
  const root = join(folder, 'cache');
  const body = Buffer.alloc(bytes, 'x');
  const files: string[] = [];
  let made = '';
  for (const path of paths) {
    const file = join(root, path);
    const directory = dirname(file);
    if (directory !== made) mkdirSync(directory, { recursive: true });
    made = directory;
    writeFileSync(file, body);
    files.push(file);
  }
  return {
    root,
    folder,
    gone: (signal) => untilGone(files, signal),
    left: () => files.length,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const pollMs = 1;
const patienceMs = 600_000;

/**
 * Checks one page at a time, from the last written to the first. They are deleted roughly in the order of
 * writing, so nearly all are checked only after all are gone. The checks therefore cost the candidates
 * nothing.
 */
async function untilGone(files: string[], signal?: AbortSignal): Promise<number> {
  const started = performance.now();
  let seen = started;
  while (files.length > 0 && !signal?.aborted) {
    const now = performance.now();
    let found = false;
    while (files.length > 0 && !found) {
      found = lstatSync(files.at(-1) ?? '', { throwIfNoEntry: false }) !== undefined;
      if (!found) files.pop();
    }
    // Accurate to the length of a round, and to a millisecond where pages were deleted in order.
    seen = now;
    if (now - started > patienceMs) throw new Error(`Cannot measure: ${files.length} pages are still there`);
    if (found) await wait(pollMs);
  }
  return seen;
}
