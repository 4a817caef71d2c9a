import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Directory } from '../../../src/filesystem/walk/directory.ts';
import { clearKeys, findKeys } from '../../../src/filesystem/zone/clear-zone.ts';
import { wipeZone } from '../../../src/filesystem/zone/wipe-zone.ts';
import { zonePath } from '../../../src/filesystem/zone/zone-path.ts';
import { walks } from '../walks.ts';
import { cacheFile, storePage } from './cache-file.ts';

let folder: string;
let zone: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-zone-'));
  zone = join(folder, 'zone');
  mkdirSync(zone);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const levels = [1, 2];
const version = (path: string) => readFileSync(path).readUInt32LE(0);
const validTo = (path: string) => Number(readFileSync(path).readBigUInt64LE(8));

describe.each(walks)('clearing with the %s walk', (_name, walk) => {
  const clear = (keys: string[], how: 'spoil' | 'unlink' | 'soft' = 'spoil') =>
    clearKeys(zone, { levels, keys, how }, walk);
  const wipe = (how: 'spoil' | 'unlink' = 'spoil') => wipeZone(zone, { levels, how }, walk);

  it('spoils the files of the keys, and no others', () => {
    const keys = Array.from({ length: 300 }, (_, at) => `k/${at}`);
    const paths = keys.map((key) => storePage(zone, key));
    const other = storePage(zone, 'other');
    expect(clear(keys)).toEqual({ files: 300, failures: [] });
    expect(paths.map(version)).toEqual(keys.map(() => 0));
    expect(readFileSync(paths[0] ?? '').subarray(8)).toEqual(cacheFile('k/0').subarray(8));
    expect(readFileSync(other)).toEqual(cacheFile('other'));
  });

  it('unlinks, or lets expire', () => {
    const gone = storePage(zone, 'gone');
    const soft = storePage(zone, 'soft');
    expect(clear(['gone'], 'unlink')).toEqual({ files: 1, failures: [] });
    expect(clear(['soft'], 'soft')).toEqual({ files: 1, failures: [] });
    expect(existsSync(gone)).toBe(false);
    expect([version(soft), validTo(soft)]).toEqual([5, 1]);
  });

  it('spoils instead where it does not know where the time is', () => {
    const narrow = Buffer.concat([
      Buffer.from([5, 0, 0, 0]),
      Buffer.alloc(300, 7),
      Buffer.from('\nKEY: n\n'),
    ]);
    const path = storePage(zone, 'n', { file: narrow });
    expect(clear(['n'], 'soft')).toEqual({ files: 1, failures: [] });
    expect(version(path)).toBe(0);
  });

  it('finds nothing to do where nothing is, or what is there is spoilt', () => {
    expect(clear(['nowhere'])).toEqual({ files: 0, failures: [] });
    const path = storePage(zone, 'k');
    clear(['k']);
    for (const how of ['spoil', 'unlink', 'soft'] as const)
      expect(clear(['k'], how)).toEqual({ files: 0, failures: [] });
    expect(existsSync(path)).toBe(true);
    writeFileSync(path, '');
    expect(clear(['k'])).toEqual({ files: 0, failures: [] });
  });

  it('throws without a zone', () => {
    rmSync(zone, { recursive: true });
    expect(() => clear(['k'])).toThrow('ENOENT');
  });

  it('goes into the directories by their levels', () => {
    for (const one of [[], [1], [2], [2, 2], [1, 2, 2], [2, 1, 1], [1, 1, 1]]) {
      const path = storePage(zone, 'k', { levels: one });
      const named = { levels: one, keys: ['k', 'none'], how: 'spoil' } as const;
      expect(clearKeys(zone, named, walk)).toEqual({ files: 1, failures: [] });
      expect(version(path)).toBe(0);
      rmSync(path);
    }
  });

  it('does nothing to what nginx puts in the place of a page meanwhile', () => {
    const { openFile } = Directory.prototype;
    const replacing = (how: 'over' | 'beside') =>
      vi.spyOn(Directory.prototype, 'openFile').mockImplementation(function (this: Directory, ...given) {
        const opened = openFile.apply(this, given);
        if (how === 'beside') renameSync(path, `${path}.old`);
        writeFileSync(`${path}.new`, cacheFile('k', { body: 'new' }));
        renameSync(`${path}.new`, path);
        return opened;
      });
    const path = storePage(zone, 'k');
    for (const how of ['spoil', 'unlink', 'soft'] as const) {
      replacing('over');
      expect(clear(['k'], how)).toEqual({ files: 0, failures: [] });
      vi.restoreAllMocks();
      expect(readFileSync(path)).toEqual(cacheFile('k', { body: 'new' }));
    }
    replacing('beside');
    expect(clear(['k'], 'unlink').failures).toEqual([]);
    vi.restoreAllMocks();
    expect(readFileSync(path)).toEqual(cacheFile('k', { body: 'new' }));
  });

  it('finds files without changing them', () => {
    const path = storePage(zone, 'k');
    const { found, failures } = findKeys(zone, { levels, keys: ['k', 'none'] }, walk);
    expect({ found, failures }).toMatchObject({
      found: [{ key: 'k', path: path.slice(zone.length + 1) }],
      failures: [],
    });
    expect(readFileSync(path)).toEqual(cacheFile('k'));
  });

  describe.each(['spoil', 'unlink', 'soft'] as const)('%s leaves alone', (how) => {
    const secret = () => join(folder, 'secret');
    const planted = (key: string) => {
      const path = storePage(zone, key);
      rmSync(path);
      return path;
    };
    const refused = (key: string, code: string, message: string) => {
      const before = readFileSync(secret());
      const sound = storePage(zone, 'sound');
      const { files, failures } = clear([key, 'sound'], how);
      expect(files).toBe(1);
      expect(failures).toHaveLength(1);
      expect(failures[0]).toMatchObject({ key, code, message: expect.stringContaining(message) });
      expect(readFileSync(secret())).toEqual(before);
      expect(existsSync(sound)).toBe(how !== 'unlink');
    };
    beforeEach(() => writeFileSync(secret(), cacheFile('k')));

    it('a symbolic link', () => {
      symlinkSync(secret(), planted('k'));
      refused('k', 'ELOOP', 'is a symbolic link');
    });

    it('a symbolic link in the place of a directory', () => {
      const path = planted('k');
      rmSync(dirname(path), { recursive: true });
      symlinkSync(folder, dirname(path));
      writeFileSync(join(folder, zonePath('k', levels).name), cacheFile('k'));
      refused('k', 'ELOOP', 'is a symbolic link');
      expect(version(join(folder, zonePath('k', levels).name))).toBe(5);
    });

    it('a hard link', () => {
      linkSync(secret(), planted('k'));
      refused('k', 'EMLINK', 'is a hard link');
    });

    it('a file with another key', () => {
      const path = storePage(zone, 'k', { file: cacheFile('k2') });
      refused('k', 'EFTYPE', 'has the key k2');
      storePage(zone, 'long', { file: cacheFile(`long${'x'.repeat(9_000)}`) });
      refused('long', 'EFTYPE', 'left alone');
      expect(readFileSync(path)).toEqual(cacheFile('k2'));
    });

    it('a file that nginx did not write', () => {
      const path = storePage(zone, 'k', { file: Buffer.from('a letter\nKEY: k\n') });
      refused('k', 'EFTYPE', "is no file of nginx's cache");
      expect(readFileSync(path, 'utf8')).toBe('a letter\nKEY: k\n');
    });

    it('a directory', () => {
      const path = planted('k');
      mkdirSync(path);
      refused('k', 'EFTYPE', 'is no file');
    });
  });

  describe('a wipe', () => {
    it('clears every page, and leaves what is none', () => {
      const pages = Array.from({ length: 100 }, (_, at) => storePage(zone, `k/${at}`));
      const first = pages[0] ?? '';
      const temp = `${first}.0000000007`;
      writeFileSync(temp, cacheFile('k/0'));
      const foreign = storePage(zone, 'foreign', { file: Buffer.from('text') });
      expect(wipe()).toEqual({ files: 100, failures: [] });
      expect(pages.map(version)).toEqual(pages.map(() => 0));
      expect([version(temp), readFileSync(foreign, 'utf8')]).toEqual([5, 'text']);
      expect(wipe('unlink')).toEqual({ files: 0, failures: [] });
      const again = storePage(zone, 'k/1');
      expect(wipe('unlink')).toEqual({ files: 1, failures: [] });
      expect(existsSync(again)).toBe(false);
    });

    it('tells of links in the place of pages, and does not follow them', () => {
      const secret = join(folder, 'secret');
      writeFileSync(secret, cacheFile('k'));
      for (const [key, link] of [
        ['k', symlinkSync],
        ['h', linkSync],
      ] as const) {
        const path = storePage(zone, key);
        rmSync(path);
        link(secret, path);
      }
      const sound = storePage(zone, 'sound');
      const { files, failures } = wipe();
      expect(files).toBe(1);
      expect(failures.map(({ code }) => code).sort()).toEqual(['ELOOP', 'EMLINK']);
      expect([version(secret), version(sound)]).toEqual([5, 0]);
    });

    it.each([[[]], [[1]], [[2, 1]], [[1, 2, 2]]])('throws where the levels are others: %j', (other) => {
      storePage(zone, 'k');
      expect(() => wipeZone(zone, { levels: other, how: 'spoil' }, walk)).toThrow('does not fit "levels"');
    });
  });
});
