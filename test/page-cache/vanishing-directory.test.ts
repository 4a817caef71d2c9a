import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { site } from './site.ts';

let removals = 0;
beforeEach(() => {
  removals = 0;
});

/**
 * Simulates a clearing that removes the directory after it was made and before the temp is opened in it,
 * `removals` times.
 */
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const open: typeof real.open = async (path, ...rest) => {
    if (removals-- > 0) rmSync(dirname(`${path}`), { recursive: true });
    return real.open(path, ...rest);
  };
  return { ...real, open };
});

test('a directory that clearings remove again and again is made again', async () => {
  const { cache, errors } = site();
  removals = 5;
  expect(await cache.page('commits/abc/page.html', () => 'rendered')).toMatchObject({ outcome: 'stored' });
  expect(removals).toBe(-1);
  expect(errors).toEqual([]);
});

test('a directory that never stays is given up, reported, and the page served', async () => {
  const { cache, errors } = site();
  removals = Number.POSITIVE_INFINITY;
  expect(await cache.page('commits/abc/page.html', () => 'rendered')).toMatchObject({ outcome: 'unstored' });
  expect(errors).toMatchObject([{ cause: { code: 'ENOENT' } }]);
});
