import { expect, test, vi } from 'vitest';
import { site } from './site.ts';

/** No local file system fails a close on demand, as NFS and quotas do. So only this call is replaced. */
vi.mock('node:fs/promises', async (importOriginal) => {
  const real = await importOriginal<typeof import('node:fs/promises')>();
  const open: typeof real.open = async (...args) => {
    const handle = await real.open(...args);
    const close = handle.close;
    handle.close = async () => {
      handle.close = close;
      await close();
      throw Object.assign(new Error('EIO: i/o error, close'), { code: 'EIO' });
    };
    return handle;
  };
  return { ...real, open };
});

test('a failing close: the page is served, nothing is stored, the failure is reported', async () => {
  const { cache, entries, errors } = site();
  expect(await cache.page('news/front.html', () => 'rendered')).toEqual({
    body: Buffer.from('rendered'),
    outcome: 'unstored',
  });
  expect(entries('news/front.html')).toEqual([]);
  expect(errors).toMatchObject([{ cause: { code: 'EIO' } }]);
});
