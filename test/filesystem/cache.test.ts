import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Cleared } from '../../src/core/contracts.ts';
import type { ClearRequest } from '../../src/filesystem/answer.ts';
import type { Apart, Hears, StartApart, startChild, startThread } from '../../src/filesystem/apart.ts';
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

it('does not take a late word of one that has ended for the death of its successor', async () => {
  const { cache, started } = withFakes();
  const lost = cache.clear(['a']);
  started[0]?.hears.ended(new Error('it died'));
  await expect(lost).rejects.toThrow('it died');
  const asked = cache.clear(['a']);
  started[0]?.hears.ended(new Error('it has ended, too'));
  started[0]?.hears.reply({ cleared: { files: 5, failures: [] } });
  started[1]?.hears.reply({ cleared: { files: 7, failures: [] } });
  expect((await asked).files).toBe(7);
  expect(started.length).toBe(2);
});

describe('two hands', () => {
  const many = (name: string, count: number) => Array.from({ length: count }, (_, nth) => `${name}${nth}`);

  it('share a large request, which tells together what each has told', async () => {
    const { cache, started } = withFakes();
    const asked = cache.clear(many('a', 600));
    expect(started.map(({ posted }) => posted.length)).toEqual([1, 1]);
    const failure = { pattern: 'a1', path: 'a1', code: 'EACCES', message: 'no' };
    answer(started[1], { files: 3, failures: [failure] });
    await settled();
    answer(started[0], { files: 4, failures: [] });
    answer(started[1], { files: 5, failures: [] });
    expect(await asked).toEqual({ files: 12, failures: [failure] });
    expect(started.flatMap(({ posted }) => posted.flatMap(({ patterns }) => patterns)).sort()).toEqual(
      many('a', 600).sort(),
    );
  });

  it('take requests in turn, so that a small one does not wait for the end of a large one', async () => {
    const { cache, started } = withFakes();
    cache.clear(many('a', 10_000)).catch(() => {});
    const small = cache.clear(['b']);
    for (const fake of started) {
      answer(fake, { files: 0, failures: [] });
      await settled();
    }
    expect(started[1]?.posted.at(-1)?.patterns).toEqual(['b']);
    answer(started[1], { files: 1, failures: [] });
    expect((await small).files).toBe(1);
  });

  it('let wait who is in no hurry, though not for ever', async () => {
    const { cache, started } = withFakes();
    const order: string[] = [];
    cache.clear(many('first ', 100_000)).catch(() => {});
    cache.clear(many('second ', 100_000), { unhurried: true }).catch(() => {});
    cache.clear(['event']).catch(() => {});
    for (let nth = 0; nth < 60; nth++) {
      const hand = started[nth % 2];
      order.push(hand?.posted.at(-1)?.patterns[0]?.replace(/ .*/, '') ?? '');
      answer(hand, { files: 0, failures: [] });
      await settled();
    }
    expect(order.indexOf('event')).toBeLessThan(order.indexOf('second'));
    const seconds = order.filter((one) => one === 'second').length;
    expect(seconds).toBeGreaterThanOrEqual(10);
    expect(seconds).toBeLessThanOrEqual(20);
  });

  it('take the patterns of a large request only as they can be cleared', async () => {
    const { cache, started } = withFakes();
    let made = 0;
    function* patterns() {
      for (; made < 10_000; made++) yield `a${made}`;
    }
    const asked = cache.clear(patterns());
    expect(made).toBeLessThan(1_000);
    started[0]?.hears.ended(new Error('it died'));
    await expect(asked).rejects.toThrow('it died');
    answer(started[1], { files: 0, failures: [] });
    await settled();
    // What was asked for has failed: the rest of it is not cleared for nothing.
    expect(started[1]?.posted.length).toBe(1);
    expect(made).toBeLessThan(1_000);
  });

  it('are watched both: the part that waits longest counts', async () => {
    const { cache, started } = withFakes();
    cache.clear(many('a', 600)).catch(() => {});
    await vi.waitFor(() => expect(cache.waitingMs()).toBeGreaterThan(20));
    answer(started[0], { files: 0, failures: [] });
    expect(cache.waitingMs()).toBeGreaterThan(20);
    answer(started[1], { files: 0, failures: [] });
    expect(cache.waitingMs()).toBeLessThan(20);
  });
});

interface Fake {
  readonly hears: Hears;
  readonly posted: ClearRequest[];
}

/** A cache whose hands answer when they are told to, in the order in which they were started. */
function withFakes() {
  const started: Fake[] = [];
  const start: StartApart = (_root, hears) => {
    const posted: ClearRequest[] = [];
    started.push({ hears, posted });
    return { post: (request) => posted.push(request), end: async () => {} };
  };
  return { cache: openCache('/', start), started };
}

function answer(fake: Fake | undefined, cleared: Cleared): void {
  fake?.hears.reply({ cleared });
}

/** Lets everything go on that can. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

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
