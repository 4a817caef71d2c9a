import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSmall, replaceSmall } from '../../src/filesystem/walk/small-file.ts';

let base: string;
let at: string;
beforeEach(() => {
  base = mkdtempSync(join(tmpdir(), 'uncached-small-'));
  at = join(base, 'file');
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const standing = {
  'a fifo': () => execFileSync('mkfifo', [at]),
  'a directory': () => mkdirSync(at),
  'a link to a file': () => {
    writeFileSync(join(base, 'precious'), 'precious');
    symlinkSync(join(base, 'precious'), at);
  },
  'a link to nowhere': () => symlinkSync(join(base, 'none'), at),
  'a link to a device': () => symlinkSync('/dev/zero', at),
  'a sparse file of 100 GB': () => {
    writeFileSync(at, '');
    truncateSync(at, 100 * 2 ** 30);
  },
  'a file of a byte too many': () => writeFileSync(at, 'x'.repeat(101)),
};

describe.each(Object.entries(standing))('%s', (what, make) => {
  it('is not read', () => {
    make();
    expect(readSmall(at, 100)).toBe('strange');
  });

  it('is replaced, or refused in words, and nothing is written through it', () => {
    make();
    if (what === 'a directory') expect(() => replaceSmall(`${base}/`, 'file', 'new', 'text')).toThrow();
    else replaceSmall(`${base}/`, 'file', 'new', 'text');
    if (what !== 'a directory') expect(readFileSync(at, 'utf8')).toBe('text');
    if (what === 'a link to a file') expect(readFileSync(join(base, 'precious'), 'utf8')).toBe('precious');
    expect(readdirSync(base)).not.toContain('new');
    expect(existsSync(join(base, 'none'))).toBe(false);
  });

  it('in place of the temporary name goes, or is refused in words', () => {
    make();
    const replace = () => replaceSmall(`${base}/`, 'other', 'file', 'text');
    if (what === 'a directory') expect(replace).toThrow();
    else replace();
    expect(existsSync(join(base, 'other'))).toBe(what !== 'a directory');
    if (what === 'a link to a file') expect(readFileSync(join(base, 'precious'), 'utf8')).toBe('precious');
  });
});

it('a small file is read as it is, and one that is not there is absent', () => {
  expect(readSmall(at, 100)).toBe('absent');
  writeFileSync(at, 'x'.repeat(100));
  expect(readSmall(at, 100)).toEqual({ text: 'x'.repeat(100) });
});
