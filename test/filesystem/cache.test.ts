import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Apart, startChild, startThread } from '../../src/filesystem/apart.ts';
import { openCache } from '../../src/filesystem/cache.ts';
import { lastWill } from '../last-will.ts';

/** As it is shipped: threads and children of Node cannot run TypeScript. */
const dist = resolve('dist/filesystem');
const built: { startThread: typeof startThread; startChild: typeof startChild } = await import(
  join(dist, 'apart.js')
);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uncached-cache-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function make(...names: string[]): void {
  mkdirSync(join(root, 'news'), { recursive: true });
  for (const name of names) writeFileSync(join(root, 'news', name), 'x');
}

describe.each([
  ['thread', built.startThread],
  ['child', built.startChild],
])('openCache in a %s', (_name, start) => {
  it('answers each request with its own', async () => {
    make('1', '2', '3');
    const cache = openCache(root, start);
    const answers = await Promise.all([cache.clear(['news/1']), cache.clear([]), cache.clear(['news/[23]'])]);
    expect(answers.map(({ files }) => files)).toEqual([1, 0, 2]);
    rmSync(root, { recursive: true });
    const { failures } = await cache.clear(['news/*']);
    expect(failures).toEqual([
      { pattern: 'news/*', path: root, code: 'ENOENT', message: 'no such file or directory' },
    ]);
    await cache.close();
  });

  it('fails what was asked of one that ends, and starts another', async () => {
    const started: Apart[] = [];
    const cache = openCache(root, (...args) => {
      const apart = start(...args);
      started.push(apart);
      return apart;
    });
    await cache.clear(['news/1']);
    const ending = started[0]?.end();
    await expect(cache.clear(['news/*'])).rejects.toThrow('Cannot clear');
    await ending;
    make('1');
    expect(await cache.clear(['news/*'])).toEqual({ files: 1, failures: [] });
    expect(started.length).toBe(2);
    await cache.close();
  });

  it('clears what several patterns name by two hands at once, each file once', async () => {
    const cache = openCache(root, start);
    const numbers = Array.from({ length: 30 }, (_, nth) => nth);
    const directories = numbers.flatMap((a) => numbers.slice(0, 10).map((b) => `tree/${a}/${b}`));
    const patterns = [
      ...directories.flatMap((at) => [`${at}/`, `${at}/*`]),
      ...numbers.flatMap((a) => [`tree/${a}/*`, `tree/${a}/`]),
      ...['tree/*', 'tree/?', 'tree/??', 'tree/[0-9]*/', 'tree/*/[0-9]', '*/*/?/*'],
    ];
    for (let round = 0; round < 3; round++) {
      for (const at of directories) {
        mkdirSync(join(root, at), { recursive: true });
        for (const name of 'abc') writeFileSync(join(root, at, name), 'x');
      }
      // Begun from both ends, they meet; the wild ones are everywhere.
      const answers = await Promise.all([cache.clear(patterns), cache.clear([...patterns].reverse())]);
      expect(answers.flatMap(({ failures }) => failures)).toEqual([]);
      expect(answers.reduce((sum, { files }) => sum + files, 0)).toBe(directories.length * 3);
      expect(readdirSync(join(root, 'tree'))).toEqual([]);
    }
    await cache.close();
  });

  it('takes a root relative to where the daemon was started', async () => {
    make('1');
    const cache = openCache(join('..', '..', '..', '..', '..', '..', '..', root), start);
    expect(await cache.clear(['news/1'])).toEqual({ files: 1, failures: [] });
    await cache.close();
  });
});

describe('the clearing child', () => {
  it('leaves the stopping to the daemon when a whole group is signalled', async () => {
    const cache = openCache(root, built.startChild);
    await cache.clear(['news/1']);
    const [child = 0] = childrenOf(process.pid);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(child, signal);
    make('1');
    expect((await cache.clear(['news/*'])).files).toBe(1);
    expect(childrenOf(process.pid)).toEqual([child]);
    await cache.close();
    expect(childrenOf(process.pid)).toEqual([]);
  });

  it('stands nowhere below root between requests, so that root can be unmounted', async () => {
    make('1');
    const cache = openCache(root, built.startChild);
    await cache.clear(['news/*']);
    const [child = 0] = childrenOf(process.pid);
    expect(readdirSync(`/proc/${child}/cwd/`)).toEqual(readdirSync('/'));
    await cache.close();
  });

  it('dies with its daemon, even by kill -9', async () => {
    const script = `
      const { openCache } = await import(${JSON.stringify(join(dist, 'cache.js'))});
      const { startChild } = await import(${JSON.stringify(join(dist, 'apart.js'))});
      const cache = openCache(${JSON.stringify(root)}, startChild);
      await cache.clear(['news/1']);
      console.log('cleared');`;
    const daemon = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const revoke = lastWill('kill -9 "$1"', String(daemon.pid));
    await once(daemon.stdout, 'data');
    const [child = 0] = childrenOf(daemon.pid ?? 0);
    expect(isRunning(child)).toBe(true);
    daemon.kill('SIGKILL');
    await once(daemon, 'exit');
    revoke();
    await vi.waitFor(() => expect(isRunning(child)).toBe(false), { timeout: 5_000 });
  });
});

/** Those that run Node; a last will is a shell. */
function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children
    .map(Number)
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('child.js'));
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
