import { lstatSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

/** A cache with pages, for one run. */
export interface Pages {
  readonly root: string;
  readonly folder: string;
  /** Resolves with performance.now() when the last page was found gone. */
  gone(): Promise<number>;
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
    gone: () => untilGone(files),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

const pollMs = 1;

/**
 * Asks for one page at a time, from the last written to the first: they go in about the order in which they were written, so that
 * nearly all are asked for only when all are gone, and asking costs those that are measured nothing.
 */
async function untilGone(files: readonly string[]): Promise<number> {
  let left = files.length;
  let seen = performance.now();
  while (left > 0) {
    const now = performance.now();
    let found = false;
    while (left > 0 && !found) {
      found = lstatSync(files[left - 1] ?? '', { throwIfNoEntry: false }) !== undefined;
      if (!found) left -= 1;
    }
    // Right to the length of the round, and to a millisecond where pages went in order.
    seen = now;
    if (found) await wait(pollMs);
  }
  return seen;
}
