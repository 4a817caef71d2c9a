import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import * as clearing from '../../src/filesystem/clear-patterns.ts';
import { walks } from './walks.ts';

let base: string;
let root: string;

beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'uncached-clear-'));
  root = join(base, 'root');
  mkdirSync(root);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));
const workingDirectory = process.cwd();
afterEach(() => expect(process.cwd()).toBe(workingDirectory));

function make(...paths: string[]): void {
  for (const path of paths) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), 'x');
  }
}

const left = () =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();

const bytes = (...parts: (string | number)[]) =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from([part]))));

describe.each(walks)('clear, %s walk', (name, walk) => {
  const clear = (root: string, patterns: string[]) => clearing.clear(root, patterns, walk);

  it('deletes what matches and nothing else', () => {
    make(
      'ports/www/a/1.html',
      'ports/www/a/2.html',
      'ports/www/b/1.html',
      'news/1',
      'daily/03.x',
      'daily/03x',
      '.hidden/1',
    );
    const cleared = clear(root, ['ports/www/a/*', 'daily/03.*']);
    expect(cleared).toEqual({ files: 3, failures: [] });
    expect(left()).toEqual(['.hidden/1', 'daily/03x', 'news/1', 'ports/www/b/1.html']);
  });

  it('takes gone already for success', () => {
    make('news/1');
    expect(clear(root, ['ports/x/*', 'news/2', 'news/1/below', 'none/'])).toEqual({ files: 0, failures: [] });
    expect(left()).toEqual(['news/1']);
  });

  it('expands wildcards in every component', () => {
    make('a/1/x', 'b/1/x', 'b/2/x', '.c/1/x', 'file');
    expect(clear(root, ['*/1/x']).files).toBe(2);
    expect(left()).toEqual(['.c/1/x', 'b/2/x', 'file']);
  });

  it('removes a directory that matches, with its contents, hidden ones too', () => {
    make('ports/www/a/sub/deep/1', 'ports/www/a/sub/.x', 'ports/www/a/2');
    expect(clear(root, ['ports/www/a/*'])).toEqual({ files: 3, failures: [] });
    expect(readdirSync(join(root, 'ports/www/a'))).toEqual([]);
  });

  it('removes with a trailing slash only a directory', () => {
    make('commits/abc/1', 'commits/abc/2', 'commits/def');
    expect(clear(root, ['commits/abc/', 'commits/def/'])).toEqual({ files: 2, failures: [] });
    expect(left()).toEqual(['commits/def']);
    expect(existsSync(join(root, 'commits/abc'))).toBe(false);
  });

  it('deletes temps of pages that match, and no other hidden files', () => {
    make('news/.a.html.0123456789abcdef.tmp', 'news/.b.0123456789abcdef.tmp', 'news/.other', 'news/a.html');
    expect(clear(root, ['news/a.html']).files).toBe(2);
    expect(left()).toEqual(['news/.b.0123456789abcdef.tmp', 'news/.other']);
    expect(clear(root, ['news/*']).files).toBe(1);
    expect(left()).toEqual(['news/.other']);
  });

  it("never touches the daemon's marker in root, whatever the pattern", () => {
    make('.uncached', '.uncached.new', '.uncachee', 'a/.uncached');
    expect(clear(root, ['.*', '.unc*', '.uncached', '?uncached', '.uncached.*', 'a/.*'])).toEqual({
      files: 2,
      failures: [],
    });
    expect(left()).toEqual(['.uncached', '.uncached.new']);
  });

  it('never follows a symbolic link in a component, and reports it', () => {
    mkdirSync(join(base, 'outside'));
    writeFileSync(join(base, 'outside/precious'), 'x');
    make('ports/www/a/1');
    symlinkSync(join(base, 'outside'), join(root, 'ports/link'));
    const { files, failures } = clear(root, ['ports/link/*', 'ports/*/precious', 'ports/www/a/*']);
    expect(files).toBe(1);
    expect(failures.map(({ pattern, path, code }) => [pattern, path, code])).toEqual([
      ['ports/link/*', 'ports/link', 'ELOOP'],
      ['ports/*/precious', 'ports/link', 'ELOOP'],
    ]);
    expect(existsSync(join(base, 'outside/precious'))).toBe(true);
  });

  it('unlinks a symbolic link that is the last component, not what it points to', () => {
    mkdirSync(join(base, 'outside'));
    writeFileSync(join(base, 'outside/precious'), 'x');
    make('news/1');
    symlinkSync(join(base, 'outside'), join(root, 'news/link'));
    symlinkSync(join(base, 'outside'), join(root, 'commits'));
    expect(clear(root, ['news/*', 'commits/'])).toEqual({ files: 3, failures: [] });
    expect(existsSync(join(base, 'outside/precious'))).toBe(true);
    expect(left()).toEqual([]);
  });

  it('takes names literally that are special in paths and patterns', () => {
    make('p/*/1', 'p/a/1', 'p/[x]/1', 'p/x/1', 'p/back\\slash/1', 'p/new\nline/1');
    expect(clear(root, ['p/\\*/*', 'p/\\[x\\]/*', 'p/back\\\\slash/*', 'p/new\nline/*']).files).toBe(4);
    expect(left()).toEqual(['p/a/1', 'p/x/1']);
  });

  it('deletes names that are not UTF-8, temps too', () => {
    make('news/a');
    writeFileSync(bytes(`${root}/news/`, 0xe9, '.html'), 'x');
    writeFileSync(bytes(`${root}/news/.`, 0xe9, '.html.0123456789abcdef.tmp'), 'x');
    writeFileSync(bytes(`${root}/news/\ufffd`), 'x');
    expect(clear(root, ['news/*'])).toEqual({ files: 4, failures: [] });
    expect(readdirSync(join(root, 'news'))).toEqual([]);
  });

  it('takes a replacement character for itself and for no broken byte', () => {
    make('news/\ufffd.html', 'news/a');
    writeFileSync(bytes(`${root}/news/`, 0xe9, '.html'), 'x');
    expect(clear(root, ['news/\ufffd.*', 'news/\ufffd.html'])).toEqual({ files: 1, failures: [] });
    expect(clear(root, ['news/?.html'])).toEqual({ files: 1, failures: [] });
    expect(left()).toEqual(['news/a']);
  });

  it('finds names that are not UTF-8 by their bytes and no other', () => {
    make('news/x');
    rmSync(join(root, 'news/x'));
    const [mine, other] = [bytes(`${root}/news/`, 0xe9), bytes(`${root}/news/`, 0xe8)];
    for (const name of [mine, other])
      for (const end of ['', '.1', '.2']) writeFileSync(Buffer.concat([name, Buffer.from(end)]), 'x');
    expect(clear(root, ['news/\udce9', 'news/\udce9.*'])).toEqual({ files: 3, failures: [] });
    expect(readdirSync(join(root, 'news'), { encoding: 'latin1' }).sort()).toEqual([
      '\xe8',
      '\xe8.1',
      '\xe8.2',
    ]);
    expect(clear(root, ['news/\udce8.[\udce8-\udce9]', 'news/\udce8.?']).files).toBe(2);
  });

  it('removes a directory with a name that is not UTF-8, or says that it cannot enter it', () => {
    make('news/a');
    mkdirSync(bytes(`${root}/news/`, 0xff));
    writeFileSync(bytes(`${root}/news/`, 0xff, '/x'), 'x');
    const { files, failures } = clear(root, ['news/*']);
    // process.chdir accepts only text.
    expect(files).toBe(name === 'handle' ? 2 : 1);
    expect(failures.map(({ code }) => code)).toEqual(name === 'handle' ? [] : ['EILSEQ']);
  });

  it('refuses everything when root cannot be opened: its pages may come back', () => {
    const refusal = (why: string) =>
      expect.objectContaining({ code: 'EROOT', message: `root ${root} cannot be opened: ${why}` });
    rmSync(root, { recursive: true });
    expect(() => clear(root, ['a/*', 'b/*'])).toThrow(
      refusal('ENOENT, no such file or directory: root is missing: mount it or create it'),
    );
    writeFileSync(root, '');
    expect(() => clear(root, ['a/*'])).toThrow(
      refusal(
        'ENOTDIR, not a directory: it, or something above it, is no directory: correct "root" under [cache]',
      ),
    );
  });

  it('continues with the rest when something cannot be deleted, and says why in words', () => {
    make('news/1', 'ports/a/1');
    // The only thing that root cannot delete either: an immutable file.
    try {
      execFileSync('chattr', ['+i', join(root, 'news/1')], { stdio: 'ignore' });
    } catch {
      console.warn('SKIPPED: chattr +i is not possible here');
      return;
    }
    try {
      const { files, failures } = clear(root, ['news/*', 'ports/a/*']);
      expect(files).toBe(1);
      expect(failures).toEqual([
        { pattern: 'news/*', path: 'news/1', code: 'EPERM', message: 'operation not permitted' },
      ]);
    } finally {
      execFileSync('chattr', ['-i', join(root, 'news/1')]);
    }
  });

  it.each([
    '',
    '.',
    '..',
    '../outside/*',
    'a/../../outside/*',
    '../outside/',
    './',
    'a//1',
    '\\.\\./outside/*',
  ])('refuses the pattern %j, whoever made it', (pattern) => {
    mkdirSync(join(base, 'outside'));
    writeFileSync(join(base, 'outside/precious'), 'x');
    make('a/1');
    const { files, failures } = clear(root, [pattern]);
    expect([files, failures.map(({ code }) => code)]).toEqual([0, ['EINVAL']]);
    expect(left()).toEqual(['a/1']);
    expect(existsSync(join(base, 'outside/precious'))).toBe(true);
  });

  it('leaves no file descriptor open', () => {
    make('a/b/c/1', 'a/d/1');
    symlinkSync('/', join(root, 'a/link'));
    const before = readdirSync('/proc/self/fd').length;
    for (let round = 0; round < 50; round++)
      clear(root, ['a/*/c/*', 'a/link/x', 'a/d/1/x', 'none/x', '*/d/', 'a/b/*']);
    expect(readdirSync('/proc/self/fd').length).toBe(before);
  });
});

describe.each(walks)('preview, %s walk', (_name, walk) => {
  it('lists what would go and deletes nothing', () => {
    make('ports/a/1', 'ports/a/sub/2', 'commits/x/1', 'commits/y');
    const { paths } = clearing.preview(root, ['ports/a/*', 'ports/a/1', 'commits/x/', 'commits/y/', 'none'], {
      walk,
    });
    expect(paths).toEqual(['commits/x/', 'ports/a/1', 'ports/a/sub/']);
    expect(left().length).toBe(4);
  });
});
