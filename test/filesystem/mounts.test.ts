import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DeletionResult } from '../../src/core/page-files.ts';

/**
 * A private mount namespace, where root may mount anything unseen by others. An ordinary user becomes root
 * there.
 */
const namespace = process.getuid?.() === 0 ? ['-m'] : ['-U', '-r', '-m'];

function canMount(): boolean {
  try {
    const script = 'mount -t tmpfs none "$1" && mount --bind "$1" "$1"';
    execFileSync('unshare', [...namespace, 'sh', '-c', script, 'sh', tmpdir()], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(
      'SKIPPED: mounting is not possible here, not even in a namespace: the mount tests have not run',
    );
    return false;
  }
}

let base: string;
beforeAll(() => {
  base = mkdtempSync(join(tmpdir(), 'uncached-mounts-'));
});
afterAll(() => rmSync(base, { recursive: true, force: true }));

interface Result extends DeletionResult {
  readonly left: readonly string[];
  readonly outside: readonly string[];
  readonly sameDevice: boolean;
}

/** Mounts file systems below root, clears, and prints the remaining files. */
const script = `
const { readdirSync, statSync, writeFileSync, mkdirSync } = await import('node:fs');
const { execFileSync } = await import('node:child_process');
const [base, dist, walk, ...patterns] = process.argv.slice(1);
const [root, outside] = [base + '/root', base + '/outside'];
const mount = (...args) => execFileSync('mount', args);
for (const at of ['ports', 'gone/tree']) {
  mount('--bind', outside, root + '/' + at + '/bind');
  mount('-t', 'tmpfs', 'none', root + '/' + at + '/tmpfs');
  writeFileSync(root + '/' + at + '/tmpfs/precious', 'x');
}
const { clear } = await import(dist + '/clear-patterns.js');
const walks = { ...await import(dist + '/walk/handle-walk.js'), ...await import(dist + '/walk/chdir-walk.js') };
const cleared = clear(root, patterns, walks[walk]);
console.log(JSON.stringify({
  ...cleared,
  left: readdirSync(root, { recursive: true }).sort(),
  outside: readdirSync(outside),
  sameDevice: statSync(root + '/ports/bind').dev === statSync(root).dev,
}));`;

function clearWithMounts(walk: 'handleWalk' | 'chdirWalk', ...patterns: string[]): Result {
  rmSync(base, { recursive: true, force: true });
  for (const at of [
    'outside',
    ...['ports', 'gone/tree'].flatMap((at) => ['bind', 'tmpfs'].map((name) => `root/${at}/${name}`)),
  ])
    mkdirSync(join(base, at), { recursive: true });
  for (const file of ['outside/precious', 'root/ports/page', 'root/gone/tree/page', 'root/gone/page'])
    writeFileSync(join(base, file), 'x');
  const node = [
    process.execPath,
    '--input-type=module',
    '-e',
    script,
    base,
    resolve('dist/filesystem'),
    walk,
  ];
  return JSON.parse(
    execFileSync('unshare', [...namespace, ...node, ...patterns], { encoding: 'utf8' }),
  ) as Result;
}

const told = ({ failures }: Result) => failures.map(({ path, code }) => `${path} ${code}`).sort();

/**
 * With few patterns, each directory is checked for its mount. With many, the table of mounts is read first.
 */
const others: Readonly<Record<string, string[]>> = {
  few: [],
  many: Array.from({ length: 20 }, (_, nth) => `none/${nth}/*`),
};

describe.skipIf(!canMount()).each(Object.keys(others))('a mount below root, with %s patterns', (count) => {
  const more = others[count] ?? [];

  it('is not entered by a component, and reported', () => {
    const result = clearWithMounts(
      'handleWalk',
      'ports/bind/*',
      'ports/tmpfs/*',
      'ports/*/precious',
      'ports/page',
      ...more,
    );
    expect(result.sameDevice).toBe(true);
    expect(told(result)).toEqual([
      'ports/bind EXDEV',
      'ports/bind EXDEV',
      'ports/tmpfs EXDEV',
      'ports/tmpfs EXDEV',
    ]);
    expect(result.files).toBe(1);
    expect(result.left).toContain('ports/tmpfs/precious');
    expect(result.outside).toEqual(['precious']);
  });

  it('is not entered by removal, which continues with the rest', () => {
    const result = clearWithMounts('handleWalk', 'gone/*', 'ports/bind/', 'ports/tmpfs', ...more);
    expect(told(result)).toEqual(['gone/tree/bind EXDEV', 'ports/bind EXDEV', 'ports/tmpfs EXDEV']);
    expect(result.files).toBe(2);
    expect(result.left).toContain('gone/tree/tmpfs/precious');
    expect(result.left).not.toContain('gone/tree/page');
    expect(result.outside).toEqual(['precious']);
  });

  it('is known to the chdir walk by its device', () => {
    const result = clearWithMounts(
      'chdirWalk',
      'ports/tmpfs/*',
      'ports/tmpfs',
      'gone/tree/tmpfs',
      'ports/page',
      ...more,
    );
    expect(told(result)).toEqual(['gone/tree/tmpfs EXDEV', 'ports/tmpfs EXDEV', 'ports/tmpfs EXDEV']);
    expect(result.files).toBe(1);
    expect(result.left).toContain('gone/tree/tmpfs/precious');
  });
});
