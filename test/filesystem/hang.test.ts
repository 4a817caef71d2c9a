import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeletionResult } from '../../src/core/page-files.ts';
import type { SeenRoot } from '../../src/core/root.ts';
import type { Survey } from '../../src/filesystem/survey.ts';
import { canMount, inNamespace } from '../faults/namespace.ts';

/** A cache in a process and a mount namespace of its own, so that a hang does not hang the test. */
const prelude = `
const [base, dist, chosen] = process.argv.slice(1);
const { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } = await import('node:fs');
const { spawnSync } = await import('node:child_process');
const { setTimeout: wait } = await import('node:timers/promises');
const { openCache } = await import(dist + '/workers/file-cache.js');
const root = base + '/root';
const told = {};
const write = (...paths) => { for (const path of paths) writeFileSync(root + '/' + path, 'x'); };
const run = (program, ...args) => { if (spawnSync(program, args, { stdio: 'inherit' }).status !== 0) throw new Error('Cannot ' + program); };
/** A FUSE file system whose program answers nothing, not even that it is there. */
const hang = (path) => {
  const fuse = openSync('/dev/fuse', 'r+');
  const { status } = spawnSync('mount', ['-i', '-t', 'fuse', 'hang', root + '/' + path, '-o', 'fd=3,rootmode=40000,user_id=0,group_id=0'], { stdio: ['inherit', 'inherit', 'inherit', fuse] });
  if (status !== 0) throw new Error('Cannot mount');
  return () => closeSync(fuse);
};
const took = async (work) => { const from = performance.now(); const result = await work(); return [result, performance.now() - from]; };
for (const path of ['ports/x', 'ports/y', 'news']) mkdirSync(root + '/' + path, { recursive: true });
const cache = openCache(root, undefined, { patienceMs: 5_000, probeMs: 500, fronts: ['ports/x'] });
`;

const epilogue = `
[, told.closeMs] = await took(() => cache.close());
console.log(JSON.stringify(told));
`;

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'uncached-hang-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

async function inProcess<Told>(script: string): Promise<Told> {
  const [command = '', ...before] = inNamespace('mkdir "$1/root"', base);
  const node = [process.execPath, '--input-type=module', '-e', prelude + script + epilogue];
  const { stdout } = await promisify(execFile)(
    command,
    [...before, ...node, base, resolve('dist/filesystem')],
    { timeout: 110_000 },
  );
  return JSON.parse(stdout) as Told;
}

const silent = (pattern: string, path: string, refused?: 'open') => ({
  pattern,
  path,
  code: 'ETIMEDOUT',
  message: 'does not answer: its disk or file server may be gone',
  ...(refused && { refused }),
});

const canHang = canMount() && existsSync('/dev/fuse') && process.getuid?.() === 0;

describe.skipIf(!canHang)('a directory on a file server that does not answer', () => {
  it('fails what names it, and nothing else; is left alone from then on, and found again when it answers', async () => {
    const told = await inProcess<{
      first: DeletionResult;
      news: DeletionResult;
      wild: [DeletionResult, number];
      back: DeletionResult;
      closeMs: number;
    }>(`
      const end = hang('ports/x');
      write('ports/y/1', 'ports/y/2', 'news/1');
      const first = cache.clear(['ports/y/1', 'ports/x/*', 'ports/x/sub/page', 'ports/y/2']);
      // Not known yet: it takes the other worker, too.
      const second = cache.clear(['ports/x/*']);
      told.news = await cache.clear(['news/*']);
      told.first = await first;
      await second;
      write('ports/y/3');
      told.wild = await took(() => cache.clear(['ports/*/*']));
      run('umount', '-l', root + '/ports/x');
      end();
      write('ports/x/1');
      do {
        await wait(50);
        told.back = await cache.clear(['ports/x/*']);
      } while (told.back.failures.length > 0);`);
    expect(told.news).toEqual({ files: 1, failures: [] });
    expect(told.first.failures).toEqual([
      silent('ports/x/*', 'ports/x', 'open'),
      silent('ports/x/sub/page', 'ports/x', 'open'),
    ]);
    expect(told.wild[0]).toEqual({ files: 1, failures: [silent('ports/*/*', 'ports/x', 'open')] });
    // A worker that went there would be waited for as long as this.
    expect(told.wild[1]).toBeLessThan(5_000);
    expect(told.back).toEqual({ files: 1, failures: [] });
  });

  it('delays nobody while it is being detected, and does not delay the end', async () => {
    const told = await inProcess<{ newsMs: number; left: DeletionResult; leftMs: number }>(`
      hang('ports/x');
      const patient = openCache(root, undefined, { patienceMs: 60_000 });
      const asked = Array.from({ length: 3 }, (_, nth) => patient.clear(['ports/x/' + nth]));
      await wait(100);
      [, told.newsMs] = await took(() => patient.clear(['news/*']));
      patient.hurry(true);
      [[told.left], told.leftMs] = await took(() => Promise.all(asked));
      await patient.close();`);
    // A worker is waited for a minute.
    expect(told.newsMs).toBeLessThan(40_000);
    expect(told.leftMs).toBeLessThan(40_000);
    expect(told.left.failures).toEqual([{ ...silent('ports/x/0', 'ports/x/0'), whole: true }]);
  });
});

it.skipIf(!canHang)(
  'a set whose server has died is left out of root, and fails what names it alone',
  async () => {
    const told = await inProcess<{ seen: SeenRoot; cleared: DeletionResult; survey: Survey }>(`
    const { rootMarkers } = await import(dist + '/workers/root-markers.js');
    const fronts = ['news', 'ports', 'ports/x'];
    hang('ports/x')();
    write('news/1', 'ports/y/1');
    told.seen = await rootMarkers(root, fronts, cache).read();
    told.cleared = await cache.clear(['news/*', 'ports/x/*']);
    told.survey = await cache.ask({ kind: 'survey', patterns: ['ports/*/*'], fronts });`);
    expect(told.seen.fronts.map(({ path }) => path)).toEqual(['', 'news', 'ports']);
    expect(told.seen.refused).toEqual(['ports/x']);
    expect(told.cleared.files).toBe(1);
    expect(told.cleared.failures).toMatchObject([
      { pattern: 'ports/x/*', path: 'ports/x', code: 'ENOTCONN', refused: 'open' },
    ]);
    expect(told.survey).toMatchObject({ looked: 1, refused: 0 });
  },
);

it.skipIf(!canHang)('a set that hangs costs a look at root its time once, until it answers', async () => {
  const told = await inProcess<{
    first: SeenRoot;
    second: [SeenRoot, number];
    cleared: [DeletionResult, number];
  }>(`
    const { rootMarkers } = await import(dist + '/workers/root-markers.js');
    const markers = rootMarkers(root, ['news', 'ports', 'ports/x'], cache);
    const end = hang('ports/x');
    told.first = await markers.read();
    told.second = await took(() => markers.read());
    told.cleared = await took(() => cache.clear(['ports/x/*']));
    run('umount', '-l', root + '/ports/x');
    end();
    while ((await markers.read()).silent.length > 0) await wait(50);`);
  expect(told.first.silent).toEqual(['ports/x']);
  expect(told.second[0].silent).toEqual(['ports/x']);
  expect(told.second[1]).toBeLessThan(5_000);
  expect(told.cleared[0].failures).toEqual([silent('ports/x/*', 'ports/x', 'open')]);
  expect(told.cleared[1]).toBeLessThan(5_000);
});

/** unlink waits for the thaw and ignores SIGKILL. */
const canFreeze = canHang && existsSync('/dev/loop-control');

it.skipIf(!canFreeze)(
  'a worker that not even SIGKILL ends keeps neither requests nor the end waiting',
  async () => {
    const told = await inProcess<{
      state: string;
      failed: DeletionResult;
      news: DeletionResult;
      back: DeletionResult;
      endMs: number;
      refused: string;
    }>(`
    run('sh', '-c', 'truncate -s 16M "$0/image" && mkfs.ext4 -q "$0/image" && mount -o loop "$0/image" "$0/root/ports/x"', base);
    write('ports/x/1', 'news/1');
    const states = () => readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').split(' ').filter(Boolean)
      .map((pid) => /^State:\\s*(\\S)/m.exec(readFileSync('/proc/' + pid + '/status', 'utf8'))[1]);
    run('fsfreeze', '-f', root + '/ports/x');
    try {
      told.failed = await cache.clear(['ports/x/*']);
      told.state = states().join('');
      told.news = await cache.clear(['news/*']);
      const other = openCache(root, undefined, { patienceMs: 500, fronts: ['ports/x'] });
      await other.clear(['ports/x/*']);
      [, told.endMs] = await took(() => other.close());
      for (let nth = 0; nth < 8 && !told.refused; nth++) {
        const more = openCache(root, undefined, { patienceMs: 1_000, fronts: ['ports/x'] });
        await more.clear(['ports/x/*']).catch((error) => (told.refused = error.message + ': ' + error.cause.message));
        await more.close();
      }
    } finally {
      run('fsfreeze', '-u', root + '/ports/x');
    }
    do {
      await wait(50);
      told.back = await cache.clear(['ports/x/*']).catch(() => undefined);
    } while (told.back?.failures.length !== 0);
    run('umount', root + '/ports/x');`);
    expect(told.state).toContain('D');
    expect(told.failed).toEqual({ files: 0, failures: [silent('ports/x/*', 'ports/x', 'open')] });
    expect(told.news).toEqual({ files: 1, failures: [] });
    expect(told.endMs).toBeLessThan(10_000);
    // With eight workers no more are started. Two more may have been busy then.
    expect(told.refused).toMatch(
      /worker died: (8|9|10) workers wait in the kernel for a disk or file server/,
    );
    expect(told.back.failures).toEqual([]);
  },
);
