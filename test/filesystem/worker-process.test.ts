import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCache } from '../../src/filesystem/workers/file-cache.ts';
import { lastWill } from '../last-will.ts';
import { dist, start } from './built-worker.ts';
import { standStill } from './fake-workers.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uncached-cache-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => {
  vi.useRealTimers();
});

function makePage(): void {
  mkdirSync(join(root, 'news'), { recursive: true });
  writeFileSync(join(root, 'news/1'), 'x');
}

describe('a worker', () => {
  it('leaves the stopping to the daemon when a whole group is signalled', async () => {
    const cache = openCache(root, start);
    await cache.clear(['news/1']);
    const [child = 0] = childrenOf(process.pid);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(child, signal);
    makePage();
    expect((await cache.clear(['news/*'])).files).toBe(1);
    expect(childrenOf(process.pid)).toEqual([child]);
    await cache.close();
    // close waits for a second at most.
    await vi.waitFor(() => expect(childrenOf(process.pid)).toEqual([]), { timeout: 100_000 });
  });

  it('stands nowhere below root between requests, so that root can be unmounted', async () => {
    makePage();
    const cache = openCache(root, start);
    await cache.clear(['news/*']);
    const [child = 0] = childrenOf(process.pid);
    expect(readdirSync(`/proc/${child}/cwd/`)).toEqual(readdirSync('/'));
    await cache.close();
  });

  it('that stands still is replaced, and what it was asked is done', async () => {
    // Only the worker that is stopped runs out of its time, however long the machine keeps another waiting.
    standStill();
    makePage();
    const cache = openCache(root, start, { patienceMs: 1_000 });
    await cache.clear([]);
    await cache.clear(['news/none']);
    const [child = 0] = childrenOf(process.pid);
    expect(isRunning(child)).toBe(true);
    process.kill(child, 'SIGSTOP');
    const cleared = cache.clear(['news/*']);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(await cleared).toEqual({ files: 1, failures: [] });
    // The third worker, which did this, has ended as well. A worker that was given up is started again by the
    // next request.
    await vi.waitFor(() => expect(childrenOf(process.pid)).toEqual([]), { timeout: 100_000 });
    expect(isRunning(child)).toBe(false);
    await cache.close();
    expect(childrenOf(process.pid)).toEqual([]);
  });

  it('ends with its daemon, even by kill -9', async () => {
    const script = `
      const { openCache } = await import(${JSON.stringify(join(dist, 'workers/file-cache.js'))});
      const { startWorkerProcess } = await import(${JSON.stringify(join(dist, 'workers/start-worker.js'))});
      const cache = openCache(${JSON.stringify(root)}, startWorkerProcess);
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
    await vi.waitFor(() => expect(isRunning(child)).toBe(false), { timeout: 100_000 });
  });
});

it('a child ends silently when its daemon ended before it was up', async () => {
  // Nobody reads this pipe. One that is closed after the child's start may be written to before.
  const pipe = join(root, 'pipe');
  execFileSync('mkfifo', [pipe]);
  const reader = openSync(pipe, 'r+');
  const unread = openSync(pipe, 'w');
  closeSync(reader);
  const child = spawn(process.execPath, [join(dist, 'workers/worker-child.js'), root], {
    stdio: ['pipe', unread, 'pipe'],
  });
  closeSync(unread);
  const said: Buffer[] = [];
  child.stderr?.on('data', (bytes) => said.push(bytes));
  const [code] = await once(child, 'close');
  expect(`${code} ${Buffer.concat(said)}`).toBe('0 ');
});

/** The children that run Node. A last will is a shell. */
function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
  return children
    .map(Number)
    .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('workers/worker-child.js'));
}

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
