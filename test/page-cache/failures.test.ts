import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pageCache } from '../../src/page-cache/page-cache.ts';
import { site } from './site.ts';

const path = 'daily/2026/11/21.html';

test('a file in the place of a directory: the page is served, nothing is stored, the failure is reported', async () => {
  const { root, cache, errors } = site();
  writeFileSync(join(root, 'daily'), 'not a directory');
  expect(await cache.page(path, () => 'rendered')).toEqual({
    body: Buffer.from('rendered'),
    outcome: 'unstored',
  });
  expect(errors.map((error) => error.message)).toEqual([
    `Cannot open a temp for page "${path}": serving it uncached`,
  ]);
});

test('a directory in the place of the page: served, reported, no temp left', async () => {
  const { root, cache, errors, entries } = site();
  mkdirSync(join(root, path), { recursive: true });
  expect(await cache.page(path, () => 'rendered')).toMatchObject({ outcome: 'unstored' });
  expect(errors).toMatchObject([
    { message: `Cannot read page "${path}": rendering it instead`, cause: { code: 'EISDIR' } },
    { message: `Cannot store page "${path}": serving it uncached`, cause: { code: 'EISDIR' } },
  ]);
  expect(entries(path)).toEqual(['21.html']);
});

test('a missing root is reported and not made', async () => {
  const { root, cache, errors } = site();
  rmSync(root, { recursive: true });
  for (const page of [path, 'top.html'])
    expect(await cache.page(page, () => 'rendered')).toMatchObject({ outcome: 'unstored' });
  expect(errors).toMatchObject([{ cause: { code: 'ENOENT' } }, { cause: { code: 'ENOENT' } }]);
  expect(() => readdirSync(root)).toThrow('ENOENT');
});

test('a symlink below root is not followed, for the daemon would not clear behind it', async () => {
  const outside = site();
  const { root, cache, errors } = site();
  symlinkSync(outside.root, join(root, 'daily'));
  expect(await cache.page(path, () => 'rendered')).toMatchObject({ outcome: 'unstored' });
  expect(readdirSync(outside.root)).toEqual([]);
  expect(errors).toMatchObject([{ cause: { message: expect.stringContaining('it is not a directory') } }]);
});

test('a path beyond PATH_MAX is served and reported', async () => {
  const { cache, errors } = site();
  const deep = Array.from({ length: 30 }, () => 'd'.repeat(200)).join('/');
  expect(await cache.page(deep, () => 'rendered')).toMatchObject({ outcome: 'unstored' });
  expect(errors).not.toEqual([]);
});

/**
 * For the writer, a limit on file size is like a full disk: the write that crosses it is short, and the next
 * one fails.
 */
const prlimit = ['/usr/bin/prlimit', '/bin/prlimit'].find((file) => {
  try {
    return execFileSync(file, ['--version']).length > 0;
  } catch {
    return false;
  }
});
test.skipIf(prlimit === undefined)(
  'a short write and then a full disk: served whole, never stored torn (needs prlimit)',
  async () => {
    const { cache, errors, entries } = site();
    const limit = (bytes: string) =>
      execFileSync(prlimit ?? '', ['--pid', `${process.pid}`, `--fsize=${bytes}:`]);
    limit('100000');
    try {
      const body = 'x'.repeat(150_000);
      const page = await cache.page(path, () => body);
      expect(page).toEqual({ body: Buffer.from(body), outcome: 'unstored' });
      expect(entries(path)).toEqual([]);
      expect(errors).toMatchObject([{ cause: { code: 'EFBIG' } }]);
    } finally {
      limit('unlimited');
    }
  },
);

test('while the cache is broken a caller does not join a render that began before it came', async () => {
  const { root } = site();
  const cache = pageCache({ root: join(root, 'missing'), onError: () => {} });
  let finish: (body: string) => void = () => {};
  const first = await new Promise<{ page: Promise<unknown> }>((started) => {
    const page = cache.page(path, () => {
      started({ page });
      return new Promise<string>((resolve) => {
        finish = resolve;
      });
    });
  });
  expect((await cache.page(path, () => 'fresh')).body.toString()).toBe('fresh');
  finish('stale');
  await first.page;
});
