import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCache } from '../../src/filesystem/workers/file-cache.ts';
import type { WorkerChannel } from '../../src/filesystem/workers/start-worker.ts';
import { dist, start } from './built-worker.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uncached-cache-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

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
    const ending = started[0]?.end(0);
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
