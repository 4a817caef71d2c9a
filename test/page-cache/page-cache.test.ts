import { mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { pageCache } from '../../src/page-cache/page-cache.ts';
import { gatedRender, site } from './site.ts';

const path = 'ports/net/rsync/Detail.html';

test('page renders a missing page, stores it, and serves it from disk from then on', async () => {
  const { cache, stored, entries } = site();
  const first = await cache.page(path, () => 'rendered');
  expect(first).toEqual({ body: Buffer.from('rendered'), outcome: 'stored' });
  expect(stored(path)).toBe('rendered');
  expect(entries(path)).toEqual(['Detail.html']);
  const second = await cache.page(path, () => 'rendered again');
  expect(second).toEqual({ body: Buffer.from('rendered'), outcome: 'hit' });
});

test('page stores bytes unchanged, and also an empty page', async () => {
  const { cache } = site();
  const bytes = Uint8Array.of(0, 255, 10, 128);
  await cache.page('logo.png', () => bytes.subarray(1));
  expect((await cache.page('logo.png', () => '')).body).toEqual(Buffer.of(255, 10, 128));
  await cache.page('empty.html', () => '');
  expect(await cache.page('empty.html', () => 'no')).toEqual({ body: Buffer.of(), outcome: 'hit' });
});

test('page has its temp open, under a name of the agreed form, before it calls render', async () => {
  const { cache, entries } = site();
  let during: string[] = [];
  await cache.page(path, () => {
    during = entries(path);
    return 'rendered';
  });
  expect(during).toEqual([expect.stringMatching(/^\.Detail\.html\.[0-9a-f]{16}\.tmp$/)]);
});

test('page is made by renaming the temp, for what is written in place can be seen torn', async () => {
  const { root, cache, entries } = site();
  let temp = 0;
  await cache.page('page', () => {
    temp = statSync(join(root, entries('page')[0] ?? '')).ino;
    return 'rendered';
  });
  expect(statSync(join(root, 'page')).ino).toBe(temp);
});

test('page never uses a temp name twice', async () => {
  const { cache, entries, clear } = site();
  const names = new Set<string>();
  for (let round = 0; round < 20; round++) {
    await cache.page(path, () => {
      for (const name of entries(path)) names.add(name);
      return 'rendered';
    });
    clear(path);
  }
  expect(names.size).toBe(20);
});

test('page refuses a temp that exists already, for it belongs to another writer', async () => {
  const { root, errors } = site();
  const random = () => '0123456789abcdef';
  const cache = pageCache({ root, random, onError: (error) => errors.push(error) });
  writeFileSync(join(root, '.page.0123456789abcdef.tmp'), 'half a pa');
  expect(await cache.page('page', () => 'rendered')).toMatchObject({ outcome: 'unstored' });
  expect(errors).toMatchObject([{ cause: { code: 'EEXIST' } }]);
});

test('page serves, but does not store, what a clearing has overtaken', async () => {
  const { cache, clear, entries, errors } = site();
  const { render, started, finish } = gatedRender();
  const page = cache.page(path, render);
  await started;
  clear(path);
  finish('stale');
  expect(await page).toEqual({ body: Buffer.from('stale'), outcome: 'overtaken' });
  expect(entries(path)).toEqual([]);
  expect(errors).toEqual([]);
  expect(await cache.page(path, () => 'fresh')).toEqual({ body: Buffer.from('fresh'), outcome: 'stored' });
});

test('page does not publish what another writer put in the place of its temp', async () => {
  const { root, cache, clear, entries, stored } = site();
  const { render, started, finish } = gatedRender();
  const page = cache.page(path, render);
  await started;
  clear(path);
  const other = gatedRender();
  const elsewhere = pageCache({ root, onError: () => {} }).page(path, other.render);
  await other.started;
  finish('stale');
  expect(await page).toMatchObject({ outcome: 'overtaken' });
  expect(entries(path)).toEqual([expect.stringMatching(/^\.Detail/)]);
  other.finish('fresh');
  expect(await elsewhere).toMatchObject({ outcome: 'stored' });
  expect(stored(path)).toBe('fresh');
});

test('page survives the clearing of a whole directory while it renders', async () => {
  const { root, cache, errors } = site();
  const { render, started, finish } = gatedRender();
  const page = cache.page(path, render);
  await started;
  rmSync(join(root, 'ports'), { recursive: true });
  finish('stale');
  expect(await page).toMatchObject({ outcome: 'overtaken' });
  expect(errors).toEqual([]);
  expect(await cache.page(path, () => 'fresh')).toMatchObject({ outcome: 'stored' });
});

test('page is not held up by the temp of a writer that died', async () => {
  const { root, cache, stored, clear, entries } = site();
  mkdirSync(join(root, 'news'));
  writeFileSync(join(root, 'news/.front.html.00000000deadbeef.tmp'), 'half a pa');
  expect(await cache.page('news/front.html', () => 'whole')).toMatchObject({ outcome: 'stored' });
  expect(stored('news/front.html')).toBe('whole');
  clear('news/front.html');
  expect(entries('news/front.html')).toEqual([]);
});

test('page holds its promises while directories are removed all the time', async () => {
  const { root, cache, errors } = site();
  let removing = true;
  const remover = (async () => {
    while (removing) await rm(join(root, 'ports'), { recursive: true, force: true }).catch(() => {});
  })();
  try {
    for (let round = 0; round < 500; round++) {
      const pages = ['a', 'b', 'c'].map((port) => `ports/net/${port}/Detail.html`);
      const served = await Promise.all(pages.map((page) => cache.page(page, () => `body of ${page}`)));
      expect(served.map((page) => page.body.toString())).toEqual(pages.map((page) => `body of ${page}`));
    }
  } finally {
    removing = false;
    await remover;
  }
  // Ten removals in a row are possible here. Then the page is not stored, but it is still returned.
  for (const error of errors) expect(error.message).toContain('Cannot open a temp');
});
