import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Marker } from '../../src/core/root.ts';
import { readMarkers, writeMarkers } from '../../src/filesystem/marker-files.ts';
import { refusal } from '../../src/filesystem/walk/directory.ts';
import { mountPointIn, mountPointOf } from '../../src/filesystem/walk/mounts.ts';
import { tracedWalk } from '../../src/filesystem/walk/traced-walk.ts';
import { walks } from './walks.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uncached-boot-'));
  mkdirSync(join(root, 'ports/x'), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const fronts = ['news', 'ports', 'ports/x'];
const marker: Marker = { id: '0123456789abcdef', boot: 'b', clean: false, left: [] };

describe.each(walks)('%s walk', (_name, walk) => {
  const look = (silent: readonly string[] = []) => readMarkers({ root, fronts, silent }, walk);
  const lookWhere = (path: string, code: string) =>
    readMarkers(
      { root, fronts },
      tracedWalk(walk, (at) => {
        if (at === path) throw refusal(code, 'no');
      }),
    );
  const markers = () => look().fronts.map((front) => [front.path, front.marker]);

  it('sees root and each front that there is, those above first, and stands nowhere in them afterwards', () => {
    const before = process.cwd();
    symlinkSync('ports', join(root, 'news'));
    const { fronts: seen, boot, machine, mountPoint } = look();
    expect(seen.map(({ path, mounted, writable }) => [path, mounted, writable])).toEqual([
      ['', false, 'yes'],
      ['ports', false, 'yes'],
      ['ports/x', false, 'yes'],
    ]);
    expect(new Set(seen.map(({ identity }) => identity)).size).toBe(3);
    expect([boot, machine].every((id) => id.length > 0)).toBe(true);
    expect(root.startsWith(mountPoint)).toBe(true);
    expect(look(['ports']).fronts.map(({ path }) => path)).toEqual(['']);
    expect(process.cwd()).toBe(before);
  });

  it('keeps apart a front that it cannot enter, with what is below it, and sees the others', () => {
    mkdirSync(join(root, 'news'));
    for (const code of ['EACCES', 'ENOTCONN', 'EIO']) {
      const { fronts: seen, refused } = lookWhere('ports', code);
      expect(seen.map(({ path }) => path)).toEqual(['', 'news']);
      expect(refused).toEqual(['ports']);
    }
    expect(lookWhere('ports/x', 'EACCES').refused).toEqual(['ports/x']);
    expect(lookWhere('ports', 'ELOOP').refused).toEqual([]);
    expect(() => lookWhere('ports', 'EMFILE')).toThrow('no');
  });

  it('reads what it has written, in each of them', () => {
    const marks = [
      { path: '', marker },
      { path: 'ports/x', marker: { ...marker, clean: true, left: ['ports/odd'] } },
    ];
    writeMarkers({ root, fronts, marks }, walk);
    expect(markers()).toEqual([
      ['', { kind: 'marker', marker }],
      ['ports', { kind: 'absent' }],
      ['ports/x', { kind: 'marker', marker: marks[1]?.marker }],
    ]);
  });

  it('remembers that all is left where that is too much for a marker', () => {
    const left = Array.from({ length: 1_000 }, (_, nth) => `ports/a-long-name-${nth}`);
    writeMarkers({ root, fronts, marks: [{ path: '', marker: { ...marker, left } }] }, walk);
    expect(markers()[0]).toEqual(['', { kind: 'marker', marker: { ...marker, left: 'all' } }]);
  });

  it.each(['/srv/cache', ''])('takes %j, which names nothing below root, for all that is left', (odd) => {
    writeMarkers({ root, fronts, marks: [{ path: '', marker: { ...marker, left: ['news/1', odd] } }] }, walk);
    expect(markers()[0]).toEqual(['', { kind: 'marker', marker: { ...marker, left: 'all' } }]);
  });

  it('writes the others when one cannot be written, and reports that one', () => {
    mkdirSync(join(root, 'ports/.uncached'));
    const marks = ['', 'ports', 'gone', 'ports/x'].map((path) => ({ path, marker }));
    expect(() => writeMarkers({ root, fronts, marks }, walk)).toThrow(
      `Cannot keep the marker ${root}/ports/.uncached`,
    );
    for (const path of ['', 'ports/x'])
      expect(readFileSync(join(root, path, '.uncached'), 'utf8')).toContain(marker.id);
  });

  it.each([
    ['', 'declared'],
    [' \n', 'declared'],
    ['null', 'strange'],
    ['[]', 'strange'],
    ['{"boot":"b"}', 'strange'],
    ['{"boot":1,"clean":"yes"}', 'strange'],
    ['{"boo', 'strange'],
  ])('takes %j for one that is %s', (text, kind) => {
    writeFileSync(join(root, '.uncached'), text);
    expect(markers()[0]).toEqual(['', { kind }]);
  });

  it('reads one of before there were ids, and believes no id of another shape', () => {
    for (const id of [undefined, 7, '../x']) {
      writeFileSync(join(root, '.uncached'), JSON.stringify({ id, boot: 'b', clean: true }));
      const old = { id: undefined, boot: 'b', clean: true, left: [] };
      expect(markers()[0]).toEqual(['', { kind: 'marker', marker: old }]);
    }
  });
});

it('finds where the file system of a directory is mounted', () => {
  expect(mountPointOf('/proc/self')).toBe('/proc');
  expect(mountPointOf('/')).toBe('/');
  expect(mountPointOf(root)).toBe(execFileSync('stat', ['-c', '%m', root], { encoding: 'utf8' }).trim());
});

it('takes no directory for a mount point that a sandbox has mounted onto itself', () => {
  const disk = '22 1 8:1 / / rw - ext4 /dev/sda1 rw';
  const sandbox = '50 22 8:1 /srv/cache /srv/cache rw - ext4 /dev/sda1 rw';
  const other = '51 22 8:1 /srv/other /srv/cache rw - ext4 /dev/sda1 rw';
  const cache = '60 22 8:2 / /srv/cache rw - ext4 /dev/sdb1 rw';
  const over = '61 60 8:2 / /srv/cache rw - ext4 /dev/sdb1 rw';
  const subvolume = '70 22 8:1 /@cache /srv/cache rw - btrfs /dev/sda1 rw';
  const at = (...lines: string[]) => mountPointIn([disk, ...lines].join('\n'), '/srv/cache/site');
  expect([at(), at(sandbox)]).toEqual(['/', '/']);
  expect([at(other), at(cache), at(cache, over), at(subvolume)]).toEqual(Array(4).fill('/srv/cache'));
  expect(mountPointIn(`${disk}\n80 22 0:5 / /srv/a\\040b rw - tmpfs none rw`, '/srv/a b/c')).toBe('/srv/a b');
});
