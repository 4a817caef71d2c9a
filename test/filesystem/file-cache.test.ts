import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openCache } from '../../src/filesystem/workers/file-cache.ts';
import type { startWorkerProcess, WorkerChannel } from '../../src/filesystem/workers/start-worker.ts';
import { lastWill } from '../last-will.ts';
import { childrenOf, isRunning } from './child-processes.ts';
import { standStill } from './fake-workers.ts';

/** The built code, because child processes of Node cannot run TypeScript. */
const dist = resolve('dist/filesystem');
const { startWorkerProcess: start }: { startWorkerProcess: typeof startWorkerProcess } = await import(
  join(dist, 'workers/start-worker.js')
);

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uncached-cache-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
afterEach(() => {
  vi.useRealTimers();
});

function make(...names: string[]): void {
  mkdirSync(join(root, 'news'), { recursive: true });
  for (const name of names) writeFileSync(join(root, 'news', name), 'x');
}

describe('openCache', () => {
  it('answers each request with its own', async () => {
    make('1', '2', '3');
    const cache = openCache(root, start);
    const answers = await Promise.all([cache.clear(['news/1']), cache.clear([]), cache.clear(['news/[23]'])]);
    expect(answers.map(({ files }) => files)).toEqual([1, 0, 2]);
    make('1', '2', '3');
    expect(await cache.clear(['news/1', 'news/*'], { countApart: ['news/*'] })).toEqual({
      files: 3,
      filesApart: { 'news/*': 2 },
      failures: [],
    });
    rmSync(root, { recursive: true });
    const refused = cache.clear(['news/*']);
    await expect(refused).rejects.toMatchObject({ code: 'EROOT' });
    await expect(refused).rejects.toThrow(`root ${root} cannot be opened: ENOENT`);
    await cache.close();
  });

  it('fails what was asked of one that ends, and starts another', async () => {
    const started: WorkerChannel[] = [];
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

  it('starts one worker at first, and the second one when there is work for two', async () => {
    let started = 0;
    const cache = openCache(root, (...args) => {
      started += 1;
      return start(...args);
    });
    cache.start();
    await cache.clear(['news/1']);
    await cache.clear(['news/2']);
    expect(started).toBe(1);
    await Promise.all([cache.clear(['news/1']), cache.clear(['news/2'])]);
    expect(started).toBe(2);
    await cache.close();
  });

  it('clears what several patterns name by two workers at once, each file once', async () => {
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
      // The two lists start from opposite ends and meet. Patterns with wildcards match everywhere.
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

describe('a worker that cannot be started', () => {
  it('fails the request when it has no descriptors, and is started once there are some', async () => {
    make('1');
    const script = `
      import { closeSync, openSync } from 'node:fs';
      const { openCache } = await import(${JSON.stringify(join(dist, 'workers/file-cache.js'))});
      const cache = openCache(${JSON.stringify(root)});
      const held = [];
      try { for (;;) held.push(openSync('/', 'r')); } catch {}
      cache.start();
      const told = [];
      for (let attempt = 0; attempt < 2; attempt++)
        await cache.clear(['news/*']).catch((error) => told.push(error.message, error.cause.code));
      for (const fd of held) closeSync(fd);
      told.push((await cache.clear(['news/*'])).files);
      await cache.close();
      console.log(JSON.stringify(told));`;
    const { stdout } = await promisify(execFile)(
      'sh',
      ['-c', 'ulimit -n 64 && exec "$@"', 'sh', process.execPath, '--input-type=module', '-e', script],
      { timeout: 100_000 },
    );
    const died = ['Cannot clear: the worker died', 'EMFILE'];
    expect(JSON.parse(stdout)).toEqual([...died, ...died, 1]);
  });

  it('because that throws fails what was asked, too', async () => {
    // As with ENOMEM, spawn throws: an argument with NUL starts no child.
    const cache = openCache('/no\0root', start);
    cache.start();
    for (let attempt = 0; attempt < 2; attempt++)
      await expect(cache.clear(['news/*'])).rejects.toThrow('Cannot clear: the worker died');
    await cache.close();
  });
});

describe('a worker', () => {
  it('leaves the stopping to the daemon when a whole group is signalled', async () => {
    const cache = openCache(root, start);
    await cache.clear(['news/1']);
    const [child = 0] = childrenOf(process.pid);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.kill(child, signal);
    make('1');
    expect((await cache.clear(['news/*'])).files).toBe(1);
    expect(childrenOf(process.pid)).toEqual([child]);
    await cache.close();
    // close waits for a second at most.
    await vi.waitFor(() => expect(childrenOf(process.pid)).toEqual([]), { timeout: 100_000 });
  });

  it('stands nowhere below root between requests, so that root can be unmounted', async () => {
    make('1');
    const cache = openCache(root, start);
    await cache.clear(['news/*']);
    const [child = 0] = childrenOf(process.pid);
    expect(readdirSync(`/proc/${child}/cwd/`)).toEqual(readdirSync('/'));
    await cache.close();
  });

  it('that stands still is replaced, and what it was asked is done', async () => {
    // Only the worker that is stopped runs out of its time, however long the machine keeps another waiting.
    standStill();
    make('1');
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
