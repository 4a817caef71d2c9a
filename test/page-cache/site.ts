import { existsSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { type PageCache, pageCache } from '../../src/page-cache/page-cache.ts';

/** A cache in a directory of its own, with a record of what happened to it. */
export interface Site {
  readonly root: string;
  readonly cache: PageCache;
  readonly errors: Error[];
  /** The names in the page's directory, including temps. Empty when there is no such directory. */
  entries(path: string): string[];
  stored(path: string): string;
  /** Does what the daemon does: deletes temps until none is left, lists again, deletes pages. */
  clear(path: string): void;
}

export function site(): Site {
  const root = mkdtempSync(join(tmpdir(), 'uncached-page-cache-'));
  onTestFinished(() => {
    const leaked = openFiles().filter((file) => file.startsWith(root));
    rmSync(root, { recursive: true, force: true });
    expect(leaked).toEqual([]);
  });
  const errors: Error[] = [];
  const entries = (path: string) => {
    try {
      return readdirSync(dirname(join(root, path))).sort();
    } catch {
      return [];
    }
  };
  const remove = (path: string, name: string) => rmSync(join(root, dirname(path), name), { force: true });
  return {
    root,
    errors,
    cache: pageCache({ root, onError: (error) => errors.push(error) }),
    entries,
    stored: (path) => readFileSync(join(root, path), 'utf8'),
    clear: (path) => {
      for (const name of entries(path))
        if (name.startsWith(`.${basename(path)}.`) && name.endsWith('.tmp')) remove(path, name);
      for (const name of entries(path)) if (name === basename(path)) remove(path, name);
    },
  };
}

function openFiles(): string[] {
  if (!existsSync('/proc/self/fd')) return [];
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/self/fd/${fd}`)];
    } catch {
      return []; // the handle of this very listing
    }
  });
}

/**
 * A render that waits in the middle. `started` resolves when it has been called. It ends when the test tells
 * it what to return or throw.
 */
export function gatedRender() {
  let calls = 0;
  let finish: (body: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const body = new Promise<string>((resolve, reject) => {
    finish = resolve;
    fail = reject;
  });
  let start: () => void = () => {};
  const started = new Promise<void>((resolve) => {
    start = resolve;
  });
  const render = () => {
    calls++;
    start();
    return body;
  };
  return { render, started, finish, fail, calls: () => calls };
}
