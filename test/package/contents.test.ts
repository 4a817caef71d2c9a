import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

it('has the code of each source file and of nothing else', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => path.slice(0, -'.ts'.length));
  const code = paths.filter((path) => path.startsWith('dist/')).sort();
  expect(code).toEqual(sources.flatMap((name) => [`dist/${name}.d.ts`, `dist/${name}.js`]).sort());
});

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
