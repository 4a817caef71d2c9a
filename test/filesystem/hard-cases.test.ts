import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeletionResult } from '../../src/core/page-files.ts';
import { clear } from '../../src/filesystem/clear-patterns.ts';
import { chdirWalk } from '../../src/filesystem/walk/chdir-walk.ts';
import { interposed } from './interposed.ts';
import { walks } from './walks.ts';

let base: string;
let root: string;
beforeEach(() => {
  base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'uncached-hard-'));
  root = join(base, 'root');
  mkdirSync(root);
});
// Deeper than the longest path, and without the rights that rm needs.
afterEach(() => execFileSync('sh', ['-c', 'chmod -R u+rwX "$1"; rm -rf "$1"', 'sh', base]));

function make(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), 'x');
  }
}

/** Makes directories d/d/d/… with a page each, by relative names. */
function dig(depth: number): void {
  const before = process.cwd();
  process.chdir(root);
  for (let level = 0; level < depth; level++) {
    mkdirSync('d');
    process.chdir('d');
    writeFileSync('page', 'x');
  }
  process.chdir(before);
}

const handles = () => readdirSync('/proc/self/fd').length;

describe.each(walks)('the %s walk', (name, walk) => {
  it('removes a tree of 1,500 levels', () => {
    const before = handles();
    dig(1_500);
    expect(clear(root, ['*'], walk)).toEqual({ files: 1_500, failures: [] });
    expect(readdirSync(root)).toEqual([]);
    expect(handles()).toBe(before);
  });

  it('deletes what a path can reach of a tree dug deeper, and refuses the rest', () => {
    const before = handles();
    dig(3_000);
    const { files, failures } = clear(root, ['d'], walk);
    expect([files, failures.map(({ code }) => code)]).toEqual([2_048, ['ENAMETOOLONG']]);
    expect(handles()).toBe(before);
  });

  it('follows a pattern of 2,000 components', () => {
    dig(2_000);
    expect(clear(root, [`${'d/'.repeat(2_000)}page`, `${'?/'.repeat(1_999)}*`], walk).files).toBe(2);
    expect(process.cwd()).toBe(resolve('.'));
  });

  it('empties a directory of 100,000 entries', () => {
    mkdirSync(join(root, 'news'));
    writeFileSync(join(root, 'first'), 'x');
    for (let entry = 0; entry < 100_000; entry++)
      linkSync(join(root, 'first'), join(root, 'news', `${entry}`));
    expect(clear(root, ['news/*'], walk)).toEqual({ files: 100_000, failures: [] });
  });

  it('deletes names of 255 bytes', () => {
    const names = ['x'.repeat(255), `${'é'.repeat(127)}x`, '😀'.repeat(63)];
    make(...names.map((each) => `news/${each}`), ...names.map((each) => `${each}/${each}`));
    const patterns = [`news/${names[0]}`, 'news/*', `${names[1]}/*`, '*/'];
    expect(clear(root, patterns, walk).files).toBe(6);
    expect(readdirSync(root)).toEqual([]);
  });

  it('unlinks fifos, sockets and devices, and opens none', async () => {
    mkdirSync(join(root, 'news'));
    const server = createServer().listen(join(root, 'news/socket'));
    for (const fifo of ['fifo', 'news/fifo']) execFileSync('mkfifo', [join(root, fifo)]);
    if (process.getuid?.() === 0) execFileSync('mknod', [join(root, 'news/null'), 'c', '1', '3']);
    const special = readdirSync(join(root, 'news')).length;
    // In a process of its own, because opening a fifo waits for a writer.
    const cleared = clearApart(name, ['fifo/x', '*/x', 'fifo/', 'news/fifo/*', 'news/*']);
    expect(cleared).toEqual({ files: special, failures: [] });
    expect([readdirSync(join(root, 'news')), readdirSync(root)]).toEqual([[], ['fifo', 'news']]);
    server.close();
  });

  it('reports to an ordinary user what may not be read, entered or written, and continues with the rest', () => {
    make('locked/1', 'unreadable/1', 'unsearchable/1', 'tree/sub/locked/1', 'tree/sub/2', 'tree/3', 'open/1');
    owned(root);
    chmodSync(join(root, 'locked'), 0o555);
    chmodSync(join(root, 'tree/sub/locked'), 0o555);
    chmodSync(join(root, 'unreadable'), 0o333);
    chmodSync(join(root, 'unsearchable'), 0o444);
    const { files, failures } = clearApart(name, [
      'locked/*',
      'unreadable/*',
      'unsearchable/*',
      'tree',
      'open/*',
    ]);
    const told = failures.map(
      ({ pattern, path, code, refused = 'delete' }) => `${pattern}: ${refused} ${path} ${code}`,
    );
    expect(told.sort()).toEqual([
      'locked/*: delete locked/1 EACCES',
      'tree: delete tree/sub/locked/1 EACCES',
      name === 'handle' ? 'unreadable/*: open unreadable EACCES' : 'unreadable/*: list unreadable EACCES',
      name === 'handle'
        ? 'unsearchable/*: delete unsearchable/1 EACCES'
        : 'unsearchable/*: open unsearchable EACCES',
    ]);
    expect(files).toBe(3);
    expect(readdirSync(join(root, 'tree'))).toEqual(['sub']);
  });

  it('takes a directory that is removed while it is being cleared for gone', () => {
    make('ports/www/1', 'ports/net/1');
    const remove = () => rmSync(join(root, 'ports/www'), { recursive: true, force: true });
    let step = 0;
    const once = interposed(walk, () => ++step === 2 && remove());
    expect(clear(root, ['ports/www/*', 'ports/net/*'], once)).toEqual({ files: 1, failures: [] });
  });

  it.each([1, 2, 3, 4, 5, 6])(
    'deletes nothing outside when a directory is moved there after step %i',
    (at) => {
      make('ports/www/1', 'ports/net/1', 'news/1');
      // The directory that '..' of the moved directory leads to has the same names.
      for (const file of ['net/precious', 'net/1', 'www2/1', 'news/1']) {
        mkdirSync(join(base, 'outside', file, '..'), { recursive: true });
        writeFileSync(join(base, 'outside', file), 'x');
      }
      let step = 0;
      const moving = interposed(walk, () => {
        if (++step === at) renameSync(join(root, 'ports/www'), join(base, 'outside/www'));
      });
      const { files } = clear(root, ['ports/www/*', 'ports/net/*', 'news/*'], moving);
      expect(readdirSync(join(base, 'outside'), { recursive: true }).sort()).toEqual(
        expect.arrayContaining(['net/1', 'net/precious', 'news/1', 'www2/1']),
      );
      // The others are still cleared.
      expect(files).toBeGreaterThanOrEqual(2);
      expect([readdirSync(join(root, 'ports/net')), readdirSync(join(root, 'news'))]).toEqual([[], []]);
    },
  );
});

it('the chdir walk says so where it finds no way back, and does not take it for gone already', () => {
  make('ports/www/1', 'ports/net/1', 'news/1');
  mkdirSync(join(base, 'outside'));
  let step = 0;
  const moving = interposed(chdirWalk, () => {
    if (++step !== 3) return;
    renameSync(join(root, 'ports/www'), join(base, 'outside/www'));
    renameSync(join(root, 'ports'), join(base, 'outside/ports'));
    make('ports/net/1');
  });
  const { failures } = clear(root, ['ports/www/*', 'ports/net/*', 'news/*'], moving);
  expect(failures.map(({ path, code }) => `${path} ${code}`)).toEqual(['ports/net ESTALE']);
  expect(readdirSync(join(base, 'outside'))).toEqual(['ports', 'www']);
  expect([readdirSync(join(root, 'ports/net')), readdirSync(join(root, 'news'))]).toEqual([['1'], []]);
});

it('the chdir walk does not take a directory that it cannot find again for gone already', () => {
  make('ports/www/1', 'ports/net/1', 'ports/2');
  const moving = interposed(chdirWalk, () => {
    // In the first of two directories that are being removed, just after the walk entered it.
    const inside = basename(process.cwd());
    if (!existsSync(join(root, 'ports', inside, '1'))) return;
    renameSync(join(root, 'ports', inside), join(base, inside));
    renameSync(join(root, 'ports'), join(base, 'ports'));
  });
  const { failures } = clear(root, ['ports/*'], moving);
  expect(failures.map(({ code }) => code)).toContain('ESTALE');
});

/** The ordinary user that tests run as when they are root. It is `nobody` on nearly every system. */
const ordinary = 65_534;

function owned(directory: string): void {
  if (process.getuid?.() !== 0) return;
  chmodSync(base, 0o755);
  for (const path of ['', ...readdirSync(directory, { recursive: true, encoding: 'utf8' })])
    chownSync(join(directory, path), ordinary, ordinary);
}

/** Runs in a process of its own, as an ordinary user. It is ended if it waits for ever. */
function clearApart(walk: 'handle' | 'chdir', patterns: readonly string[]): DeletionResult {
  owned(root);
  const script = `
    const [dist, walk, root, ...patterns] = process.argv.slice(1);
    const { clear } = await import(dist + '/clear-patterns.js');
    const walks = { ...await import(dist + '/walk/handle-walk.js'), ...await import(dist + '/walk/chdir-walk.js') };
    if (process.getuid() === 0) {
      process.setgroups([]);
      process.setgid(${ordinary});
      process.setuid(${ordinary});
    }
    process.chdir('/');
    console.log(JSON.stringify(clear(root, patterns, walks[walk + 'Walk'])));`;
  const args = ['--input-type=module', '-e', script, resolve('dist/filesystem'), walk, root, ...patterns];
  return JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8', timeout: 100_000 }),
  ) as DeletionResult;
}
