import { chownSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ClearOptions, clear } from '../../src/filesystem/clear-patterns.ts';
import { endFinder } from '../../src/filesystem/end-finder.ts';
import { toTree } from '../../src/filesystem/pattern-tree.ts';
import { type Removal, removeEntry } from '../../src/filesystem/remove-tree.ts';
import { walks } from './walks.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'uncached-flat-'));
  mkdirSync(join(root, 'pages'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const make = (names: Iterable<string>) => {
  for (const name of names) writeFileSync(join(root, 'pages', name), 'x');
};
const numbers = (count: number) => Array.from({ length: count }, (_, nth) => nth);
const tempOf = (name: string) => `.${name}.0123456789abcdef.tmp`;
/** Names are long, so that the directory is large on every file system. */
const fill = () => make(numbers(8_000).map((nth) => `${'other-'.repeat(8)}${nth}.html`));

describe.each(walks)('a directory of many pages, %s walk', (_name, walk) => {
  function cleared(patterns: readonly string[], options: ClearOptions = {}) {
    let listings = 0;
    const onListed = () => {
      listings += 1;
    };
    const { files, failures } = clear(root, patterns, walk, { ...options, onListed });
    expect(failures).toEqual([]);
    return { files, listings };
  }
  const isThere = (name: string) => existsSync(join(root, 'pages', name));

  it('is not listed for a page that is named literally: its temps go with the second clearing', () => {
    fill();
    make(['a.html', tempOf('a.html'), tempOf('b.html')]);
    expect(cleared(['pages/a.html'], { tempsLater: true })).toEqual({ files: 1, listings: 0 });
    expect([isThere('a.html'), isThere(tempOf('a.html'))]).toEqual([false, true]);
    expect(cleared(['pages/a.html']).files).toBe(1);
    expect([isThere(tempOf('a.html')), isThere(tempOf('b.html'))]).toEqual([false, true]);
  });

  it('is listed once for wildcards, and twice by the second clearing', () => {
    fill();
    make(['a.html', 'a.json', tempOf('a.html'), 'b.html']);
    const patterns = ['pages/a.*', 'pages/b.*'];
    expect(cleared(patterns, { tempsLater: true })).toEqual({ files: 3, listings: 1 });
    expect(cleared(patterns)).toEqual({ files: 1, listings: 2 });
  });

  it('is another thing than a small one, where temps go at once', () => {
    make(['a.html', tempOf('a.html')]);
    expect(cleared(['pages/a.html'], { tempsLater: true })).toEqual({ files: 2, listings: 1 });
  });

  it('loses the parts of each page back to back, in the order of the patterns, and directories after all files', () => {
    // The parts of the pages are mixed in any order of the listing.
    for (const part of ['1', '2', 'head', 'foot'])
      make(
        numbers(50).map((nth) =>
          part === 'head' || part === 'foot' ? `${nth}-${part}.html` : `${nth}.part${part}`,
        ),
      );
    mkdirSync(join(root, 'pages/7.files'));
    make(['7.files/x']);
    const order: string[] = [];
    const removal: Removal = (directory, name, what) => {
      const files = removeEntry(directory, name, what);
      if (files !== undefined && files > 0) order.push(String(name));
      return files;
    };
    const patterns = numbers(50).flatMap((nth) => [
      `pages/${nth}-head.html`,
      `pages/${nth}.*`,
      `pages/${nth}-[f]oot.html`,
    ]);
    expect(cleared(patterns, { removal }).files).toBe(201);
    expect(order.at(-1)).toBe('7.files');
    const pages = order.slice(0, -1).map((name) => Number.parseInt(name, 10));
    expect(pages).toEqual(numbers(50).flatMap((nth) => [nth, nth, nth, nth]));
    expect(order[0]).toBe('0-head.html');
    expect(order[3]).toBe('0-foot.html');
  });

  it.runIf(process.getuid?.() === 0)(
    'keeps what the file system keeps there for itself, and is no failure for it',
    () => {
      const own = ['lost+found', 'sub'];
      for (const name of own) mkdirSync(join(root, 'pages', name));
      make(['lost+found/x', 'sub/x', 'aquota.user']);
      expect(cleared(['pages/*/x', 'pages/*/', 'pages/*']).files).toBe(1);
      expect(readdirSync(join(root, 'pages')).sort()).toEqual(['aquota.user', 'lost+found']);
      // When it is named literally, or made by another account, it is an ordinary directory.
      expect(cleared(['pages/lost+found/*']).files).toBe(1);
      chownSync(join(root, 'pages/lost+found'), 12_345, 12_345);
      make(['lost+found/y']);
      expect(cleared(['pages/*']).files).toBe(1);
    },
  );
});

it('endFinder tests few patterns for each name, however many there are', () => {
  const patterns = numbers(2_000).flatMap((nth) => [`${nth}.*`, `page-${nth}-*.html`]);
  let looks = 0;
  const ends = toTree([...patterns, '*.txt', '💀*', '\udc80*']).ends.map((end) => ({
    ...end,
    matches(name: string) {
      looks += 1;
      return end.matches(name);
    },
  }));
  const find = endFinder(ends);
  const found = (name: string) => find(name).map(({ pattern }) => pattern);
  for (const nth of numbers(2_000)) expect(found(`page-${nth}-1.html`)).toEqual([`page-${nth}-*.html`]);
  expect(looks).toBeLessThan(3 * 2_000);
  expect(found('17.txt')).toEqual(['17.*', '*.txt']);
  expect(found('.17.txt')).toEqual([]);
  expect(found('💀1')).toEqual(['💀*']);
  expect(found('\udc801')).toEqual(['\udc80*']);
});
