import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { DeletionResult } from '../../src/core/page-files.ts';
import { canMount, inNamespace } from '../faults/namespace.ts';

/** FreshPorts has a data set for each set of its cache. Root is a plain directory above them. */
const fronts = ['ports', 'ports/quarterly', 'news', 'general', 'old', 'old/set'];
const sets = `cd "$1" && mkdir -p root/ports root/news root/general root/old/set root/plain/private outside &&
  mount -t tmpfs -o mode=755 none root/ports && mkdir -p root/ports/quarterly root/ports/www/a &&
  mount -t tmpfs -o mode=755 none root/ports/quarterly && mkdir root/ports/quarterly/www &&
  mount --bind outside root/general &&
  mount -t tmpfs -o mode=755 none root/old/set && mkdir root/old/set/sub && mount -t tmpfs none root/plain/private &&
  touch root/ports/page root/ports/www/a/1 root/ports/www/a/2 root/ports/quarterly/www/1 root/news/1 root/general/1 \\
    root/old/set/1 root/old/set/.1.0123456789abcdef.tmp root/old/set/sub/2 root/old/3 root/plain/private/precious`;

const script = `
const [base, dist, walk, fronts, ...patterns] = process.argv.slice(1);
const { execFileSync } = await import('node:child_process');
const { clear } = await import(dist + '/clear-patterns.js');
const { inspectRoot } = await import(dist + '/inspect-root.js');
const walks = { ...await import(dist + '/walk/handle-walk.js'), ...await import(dist + '/walk/chdir-walk.js') };
const named = JSON.parse(fronts);
const templates = named.map((path) => ({ handler: 'a', text: path + '/*', literalDirectory: path, front: path }));
const { problems } = inspectRoot(base + '/root', { templates, fronts: named }, walks[walk]);
const cleared = clear(base + '/root', patterns, walks[walk], { fronts: named });
const left = execFileSync('find', ['root', '-type', 'f'], { cwd: base, encoding: 'utf8' }).trim().split('\\n').sort();
console.log(JSON.stringify({ ...cleared, left, problems, dirs: execFileSync('find', ['root', '-type', 'd'], { cwd: base, encoding: 'utf8' }) }));`;

interface Result extends DeletionResult {
  readonly left: readonly string[];
  readonly problems: readonly string[];
  readonly dirs: string;
}

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'uncached-fronts-'));
  mkdirSync(join(base, 'root'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

function clearSets(walk: string, patterns: readonly string[], { setup = sets, named = fronts } = {}): Result {
  const [command = '', ...before] = inNamespace(setup, base);
  const node = [process.execPath, '--input-type=module', '-e', script, base, resolve('dist/filesystem')];
  return JSON.parse(
    execFileSync(command, [...before, ...node, `${walk}Walk`, JSON.stringify(named), ...patterns], {
      encoding: 'utf8',
    }),
  ) as Result;
}

const told = ({ failures }: Result) => failures.map(({ path, code }) => `${path} ${code}`).sort();

/**
 * With few patterns, each directory is checked for its mount. With many, the table of mounts is read first.
 */
const counts = { few: [], many: Array.from({ length: 20 }, (_, nth) => `none/${nth}/*`) };

describe.skipIf(!canMount()).each(['handle', 'chdir'])('sets mounted below root, %s walk', (walk) => {
  describe.each(Object.entries(counts))('with %s patterns', (_count, more) => {
    it('are entered where a template names them in so many words, one below the other too', () => {
      const result = clearSets(walk, ['ports/www/a/*', 'ports/quarterly/*/*', 'news/*', ...more]);
      expect(result.problems).toEqual([]);
      expect(told(result)).toEqual([]);
      expect(result.files).toBe(4);
      expect(result.left).not.toContain('root/ports/quarterly/www/1');
    });

    it('are refused where data or a wildcard leads, whatever its value', () => {
      // The patterns that ports/{category}/*, {category}/* and */{name} make of keys.
      const patterns = ['plain/private/*', 'plain/*/precious', '*/private/precious', 'plain/private'];
      const result = clearSets(walk, [...patterns, 'plain/', ...more]);
      expect(told(result)).toEqual(Array(5).fill('plain/private EXDEV'));
      expect(result.failures[0]?.message).toContain('write its path in a template before the first {column}');
      expect(result.left).toContain('root/plain/private/precious');
    });

    it('are emptied and stay where a template removes them', () => {
      const result = clearSets(walk, ['old/', 'ports/quarterly', ...more]);
      expect(told(result)).toEqual([]);
      expect(result.files).toBe(5);
      expect(result.left.filter((path) => /old|quarterly/.test(path))).toEqual([]);
      expect(result.dirs).toContain('root/old/set\n');
      expect(result.dirs).not.toContain('root/old/set/sub');
    });
  });

  it('a mount below a set is not taken for the set', () => {
    const setup = `${sets} && mkdir root/news/linked && mount --bind root/ports root/news/linked && mount -t tmpfs none root/ports/www/a && touch root/ports/www/a/precious`;
    const result = clearSets(walk, ['ports/www/a/*', 'ports/www/', 'news/linked/*'], { setup });
    expect(told(result)).toEqual(['news/linked EXDEV', 'ports/www/a EXDEV', 'ports/www/a EXDEV']);
    expect(result.left).toContain('root/ports/www/a/precious');
    expect(result.left).toContain('root/ports/page');
  });

  it('the marker of a set stays, whatever a template says', () => {
    const setup = `${sets} && touch root/old/set/.uncached root/old/set/.uncached.new root/old/set/sub/.uncached`;
    const result = clearSets(walk, ['old/', 'old/set/.uncached', 'old/set/.unc*', 'old/*/'], { setup });
    expect(told(result)).toEqual([]);
    expect(result.left.filter((path) => path.includes('old'))).toEqual([
      'root/old/set/.uncached',
      'root/old/set/.uncached.new',
    ]);
  });

  it('a link in the place of a set is refused, also by check', () => {
    const setup = `${sets} && rm -r root/news && ln -s ports root/news`;
    const result = clearSets(walk, ['news/*'], { setup });
    expect(told(result)).toEqual(['news ELOOP']);
    expect(result.problems).toEqual([
      `[handler.a] the template "news/*" clears nothing: ${base}/root/news is a symbolic link, which is never followed: replace it with a directory`,
    ]);
  });

  it('check refuses what the daemon refuses', () => {
    const { problems } = clearSets(walk, [], { named: ['plain', 'plain/privat'] });
    expect(problems).toEqual([
      `[handler.a] the template "plain/privat/*" matches nothing: there is no directory ${base}/root/plain/privat, did you mean "private"?`,
    ]);
  });
});

it.skipIf(!canMount())('a bind mount of the same disk is a mount to the handle walk', () => {
  expect(clearSets('handle', ['general/*']).files).toBe(1);
  expect(told(clearSets('handle', ['general/*'], { named: [] }))).toEqual(['general EXDEV']);
});
