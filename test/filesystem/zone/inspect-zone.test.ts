import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { handleWalk } from '../../../src/filesystem/walk/handle-walk.ts';
import { inspectZone } from '../../../src/filesystem/zone/inspect-zone.ts';
import { cacheFile, storePage } from './cache-file.ts';

let zone: string;
beforeEach(() => {
  zone = mkdtempSync(join(tmpdir(), 'uncached-inspect-'));
});
afterEach(() => rmSync(zone, { recursive: true, force: true }));

const inspect = (levels = [1, 2]) =>
  inspectZone(zone, { levels, how: 'spoil', pageRoot: '/none' }, handleWalk);

it('tells keys and variants of the pages, and what is none', () => {
  storePage(zone, 'k', { file: cacheFile('k', { vary: 'Accept-Encoding' }) });
  storePage(zone, 'spoilt', { file: cacheFile('spoilt', { version: 0 }) });
  const foreign = storePage(zone, 'foreign', { file: Buffer.from('text') });
  const link = storePage(zone, 'link');
  rmSync(link);
  symlinkSync(foreign, link);
  const { pages, ...found } = inspect();
  expect(pages).toMatchObject([{ key: 'k', vary: 'Accept-Encoding' }]);
  expect(found).toEqual({
    overlaps: false,
    foreign: [foreign.slice(zone.length + 1)],
    refused: [{ path: link.slice(zone.length + 1), code: 'ELOOP' }],
  });
});

it('looks at a thousand pages at most', () => {
  for (let at = 0; at < 1_010; at++) storePage(zone, `k${at}`);
  expect(inspect().pages).toHaveLength(1_000);
});

it('tells of other levels, and of a zone that is not there', () => {
  storePage(zone, 'k');
  expect(inspect([2]).otherLevels).toMatch(/^has the directory \w, which does not fit "levels"/);
  expect(inspect([]).otherLevels).toMatch(/^has the directory/);
  rmSync(zone, { recursive: true });
  expect(inspect().unopened).toMatchObject({ code: 'ENOENT' });
});

it('compares the real paths with those of the page files', () => {
  const within = (pageRoot: string) =>
    inspectZone(zone, { levels: [], how: 'spoil', pageRoot }, handleWalk).overlaps;
  mkdirSync(`${zone}2`);
  try {
    mkdirSync(join(zone, 'site'));
    symlinkSync(join(zone, 'site'), join(`${zone}2`, 'link'));
    expect([`${zone}2`, `${zone}2/link`, zone, join(zone, 'site'), tmpdir()].map(within)).toEqual([
      false,
      true,
      true,
      true,
      true,
    ]);
  } finally {
    rmSync(`${zone}2`, { recursive: true });
  }
});
