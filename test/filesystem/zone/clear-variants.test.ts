import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Directory } from '../../../src/filesystem/walk/directory.ts';
import { handleWalk } from '../../../src/filesystem/walk/handle-walk.ts';
import { clearVariants } from '../../../src/filesystem/zone/clear-variants.ts';
import { VariantMemo } from '../../../src/filesystem/zone/variant-memo.ts';
import { zonePath } from '../../../src/filesystem/zone/zone-path.ts';
import { walks } from '../walks.ts';
import { cacheFile, storePage } from './cache-file.ts';

let zone: string;
beforeEach(() => {
  zone = mkdtempSync(join(tmpdir(), 'uncached-variants-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(zone, { recursive: true, force: true });
});

const levels = [1, 2];
const version = (path: string) => readFileSync(path).readUInt32LE(0);

/** nginx's name for a variant is another hash; which one does not matter here. */
const storeVariant = (key: string, variant: string) =>
  storePage(zone, `${key} ${variant}`, { file: cacheFile(key, { vary: 'Accept-Language' }) });

describe.each(walks)('variants with the %s walk', (_name, walk) => {
  const clear = (keys: string[], variants: 'known' | 'all' = 'all') =>
    clearVariants(zone, { levels, keys, how: 'spoil', variants }, walk);

  it('are found by their key, wherever they are', () => {
    const all = ['a', 'b', 'é'].flatMap((key) => [
      storePage(zone, key),
      ...['de', 'en'].map((one) => storeVariant(key, one)),
    ]);
    expect(clear(['b', 'é', 'none'])).toEqual({ files: 6, failures: [] });
    expect(all.map(version)).toEqual([5, 5, 5, 0, 0, 0, 0, 0, 0]);
    expect(clear(['b'])).toEqual({ files: 0, failures: [] });
  });

  it('are known from the scan before, and new ones are found by the next one', () => {
    const old = storeVariant('k', 'de');
    expect(clear(['other'])).toEqual({ files: 0, failures: [] });
    const added = storeVariant('k', 'en');
    expect(clear(['k'], 'known').files).toBe(1);
    expect([version(old), version(added)]).toEqual([0, 5]);
    expect(clear(['k']).files).toBe(1);
    // nginx has filled both again.
    for (const one of ['de', 'en']) storeVariant('k', one);
    expect(clear(['k'], 'known').files).toBe(2);
  });

  it('are looked for at once where nothing is known', () => {
    storeVariant('k', 'de');
    expect(clear(['k'], 'known').files).toBe(1);
  });

  it('are opened once to learn their key', () => {
    for (let at = 0; at < 50; at++) storeVariant('k', String(at));
    const opening = vi.spyOn(Directory.prototype, 'openFile');
    clear(['none']);
    expect(opening).toHaveBeenCalledTimes(50);
    clear(['none']);
    expect(opening).toHaveBeenCalledTimes(50);
    storeVariant('k', 'new');
    clear(['none']);
    expect(opening).toHaveBeenCalledTimes(51);
  });

  it('that are gone are forgotten', () => {
    const path = storeVariant('k', 'de');
    clear(['none']);
    rmSync(path);
    expect(clear(['k'])).toEqual({ files: 0, failures: [] });
    writeFileSync(path, cacheFile('other'));
    expect(clear(['k'])).toEqual({ files: 0, failures: [] });
    expect(clear(['other'])).toEqual({ files: 1, failures: [] });
  });

  it('are not sought in links and in files of others', () => {
    const secret = join(zone, 'secret');
    writeFileSync(secret, cacheFile('k'));
    const path = storeVariant('k', 'de');
    rmSync(path);
    symlinkSync(secret, path);
    storePage(zone, 'foreign', { file: Buffer.from('text') });
    expect(clear(['k'])).toEqual({ files: 0, failures: [] });
    expect(version(secret)).toBe(5);
  });

  it('may be anywhere, so what cannot be read ends it', () => {
    storeVariant('k', 'de');
    mkdirSync(join(zone, 'b'), { recursive: true });
    symlinkSync(dirname(zone), join(zone, 'b/zz'));
    expect(clear(['k']).files).toBe(1);
    symlinkSync(dirname(zone), join(zone, 'b/00'));
    expect(() => clear(['k'])).toThrow('cannot look for variants in b/00: is a symbolic link');
  });
});

it('the memo forgets directories that are gone', () => {
  const memo = new VariantMemo();
  const key = Buffer.from('k');
  const learn = () => {
    const directory = handleWalk.openRoot(zone, { patterns: 1 });
    memo.learn(directory, [zonePath('k', []).name]);
    directory.close();
  };
  storePage(zone, 'k', { levels: [] });
  memo.begin();
  learn();
  // Until the end of a scan what was known counts.
  expect([...memo.of([key])]).toEqual([]);
  memo.end();
  expect([...memo.of([key])]).toEqual([{ key, directory: '', name: zonePath('k', []).name }]);
  memo.begin();
  memo.end();
  expect([...memo.of([key])]).toEqual([]);
});
