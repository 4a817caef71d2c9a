import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'uncached-licenses-'));
afterAll(() => rmSync(folder, { recursive: true }));
const document = readFileSync('doc/licenses.md', 'utf8');

/** The package and its licence, of each row. */
const listed = new Map(
  [...document.matchAll(/^\| ([@a-z][\w./@-]*) \| [\d.]+ \| (.+) \|$/gm)].map(
    ([, name = '', license = '']) => [name, license] as const,
  ),
);

it('doc/licenses.md is as scripts/licenses.js writes it', () => {
  const made = join(folder, 'licenses.md');
  execFileSync(process.execPath, ['scripts/licenses.js', made]);
  expect(document, 'run node scripts/licenses.js').toBe(readFileSync(made, 'utf8'));
});

it('names each production dependency of the lock file', () => {
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
    packages: Record<string, { dev?: boolean; optional?: boolean }>;
  };
  const production = Object.entries(packages)
    .filter(([path, { dev, optional }]) => path !== '' && !dev && !optional)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  expect([...listed.keys()].sort()).toEqual([...new Set(production)].sort());
});

/** Licences that allow what we do with these packages: to copy them, with their notice. */
it('each has a licence that is known', () => {
  const others = [...listed].filter(
    ([, license]) => !['MIT', 'ISC', 'Apache-2.0', 'BlueOak-1.0.0', 'BSD-3-Clause'].includes(license),
  );
  expect(others).toEqual([]);
});

it('the bundle contains no other package', () => {
  const contained = readdirSync('dist/program').flatMap((name) =>
    [
      ...readFileSync(join('dist/program', name), 'utf8').matchAll(
        /^\/\/(?:#region)? node_modules\/((?:@[^/\n]+\/)?[^/\n]+)/gm,
      ),
    ].map((match) => match[1] ?? ''),
  );
  expect(contained.length).toBeGreaterThan(100);
  expect(contained.filter((name) => !listed.has(name))).toEqual([]);
});
