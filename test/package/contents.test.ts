import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, normalize } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, expect, it } from 'vitest';
import { pack } from './packed.ts';

const directory = mkdtempSync(join(tmpdir(), 'uncached-package-'));
afterAll(() => rmSync(directory, { recursive: true }));
const { paths, bytes } = pack(directory);

it('has at its top what it should and nothing else', () => {
  expect([...new Set(paths.map((path) => path.split('/')[0]))].sort()).toEqual([
    'CHANGELOG.md',
    'LICENSE',
    'README.md',
    'dist',
    'doc',
    'etc',
    'man',
    'package.json',
    'page',
    'service',
    'sql',
  ]);
});

it('has the program as a bundle, and of the rest what the libraries need', () => {
  const code = paths.filter((path) => path.startsWith('dist/'));
  expect(code).toEqual(
    expect.arrayContaining(readdirSync('dist/program').map((name) => `dist/program/${name}`)),
  );
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8')) as { exports: Exports };
  const libraries = Object.values(exports).flatMap((one) =>
    typeof one === 'string' ? [] : [one.default, one.types],
  );
  expect(libraries).toHaveLength(4);
  expect(code).toEqual(expect.arrayContaining([...importedFrom(libraries)]));
  expect([...new Set(code.map((path) => path.split('/')[1]))].sort()).toEqual(
    [
      ...new Set([...importedFrom(libraries), 'dist/program/main.js'].map((path) => path.split('/')[1])),
    ].sort(),
  );
});

type Exports = Record<string, string | { readonly types: string; readonly default: string }>;

/** These files of dist/ and all that they import, types and code. */
function importedFrom(files: readonly string[], seen = new Set<string>()): Set<string> {
  for (const file of files.map((name) => normalize(name))) {
    if (seen.has(file)) continue;
    seen.add(file);
    const imported = [
      ...readFileSync(file, 'utf8').matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g),
    ];
    const own = file.endsWith('.d.ts') ? '.d.ts' : '.js';
    importedFrom(
      imported.map(([, name = '']) => join(dirname(file), name.replace(/\.[jt]s$/, own))),
      seen,
    );
  }
  return seen;
}

it('has every document that its documents name', () => {
  expect(paths).toEqual(
    expect.arrayContaining([
      'doc/config.md',
      'doc/usage.md',
      'doc/operating.md',
      'man/uncached.8',
      'man/uncached.ini.5',
    ]),
  );
});

it('has nothing for publint to find', async () => {
  const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
  expect(messages.map((message) => formatMessage(message, pkg ?? {}))).toEqual([]);
});
