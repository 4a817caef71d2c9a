import { setImmediate } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { gatedRender, site } from './site.ts';

const path = 'categories/net/net.html';

/** A render that must not be called: the request joins another render. */
const needless = () => {
  throw new Error('Cannot join: rendered once more');
};

/** Resolves when no caller reads the disk any more: each that found no page has begun a render or joined it. */
async function allHaveRead(): Promise<void> {
  do await setImmediate();
  while (process.getActiveResourcesInfo().includes('FSReqPromise'));
}

test('callers at the same time share one render', async () => {
  const { cache } = site();
  const { render, started, finish, calls } = gatedRender();
  const early = Array.from({ length: 50 }, () => cache.page(path, render));
  await started;
  // For a reader that began before the render, and ends after it, the page is rendered once more.
  await allHaveRead();
  const late = Array.from({ length: 50 }, () => cache.page(path, needless));
  finish('rendered');
  const pages = await Promise.all([...early, ...late]);
  expect(new Set(pages.map((page) => page.body.toString()))).toEqual(new Set(['rendered']));
  expect(calls()).toBe(1);
});

test('different pages are rendered at the same time', async () => {
  const { cache } = site();
  const one = gatedRender();
  const first = cache.page(path, one.render);
  await one.started;
  expect(await cache.page('categories/www/www.html', () => 'www')).toMatchObject({ outcome: 'stored' });
  one.finish('net');
  await first;
});

test('a caller after a clearing does not join a render from before it, and stores its own', async () => {
  const { cache, clear, stored } = site();
  const old = gatedRender();
  const before = cache.page(path, old.render);
  await old.started;
  clear(path);
  const fresh = gatedRender();
  const after = cache.page(path, fresh.render);
  await fresh.started;
  old.finish('stale');
  expect(await before).toMatchObject({ outcome: 'overtaken' });
  // The end of the overtaken render must not hide the render that replaced it.
  const joined = cache.page(path, needless);
  await setImmediate();
  fresh.finish('fresh');
  expect((await joined).body.toString()).toBe('fresh');
  expect((await after).outcome).toBe('stored');
  expect(stored(path)).toBe('fresh');
});

test('callers after a clearing share one new render', async () => {
  const { cache, clear } = site();
  const old = gatedRender();
  const before = cache.page(path, old.render);
  await old.started;
  clear(path);
  const fresh = gatedRender();
  const after = Array.from({ length: 20 }, () => cache.page(path, fresh.render));
  await fresh.started;
  await allHaveRead();
  fresh.finish('fresh');
  old.finish('stale');
  for (const page of await Promise.all(after)) expect(page.body.toString()).toBe('fresh');
  expect(fresh.calls()).toBe(1);
  await before;
});

test('an error of render reaches every caller that joined, leaves no temp and blocks nothing', async () => {
  const { cache, entries, errors } = site();
  const { render, started, fail } = gatedRender();
  const first = cache.page(path, render);
  const second = cache.page(path, render);
  await started;
  const failure = new Error('Cannot render port: no such port');
  fail(failure);
  const results = await Promise.allSettled([first, second]);
  expect(results).toEqual([
    { status: 'rejected', reason: failure },
    { status: 'rejected', reason: failure },
  ]);
  expect(entries(path)).toEqual([]);
  expect(errors).toEqual([]);
  expect(await cache.page(path, () => 'rendered')).toMatchObject({ outcome: 'stored' });
});

test('an error thrown before render returns its promise is passed on as well', async () => {
  const { cache, entries } = site();
  await expect(cache.page(path, needless)).rejects.toThrow('Cannot join');
  expect(entries(path)).toEqual([]);
});

test('a render that never ends delays nobody once the page has been cleared', async () => {
  const { cache, clear } = site();
  const endless = gatedRender();
  const waiting = cache.page(path, endless.render);
  await endless.started;
  clear(path);
  expect(await cache.page(path, () => 'rendered')).toMatchObject({ outcome: 'stored' });
  endless.finish('after all');
  expect(await waiting).toMatchObject({ outcome: 'overtaken' });
});
