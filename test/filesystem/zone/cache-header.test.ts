import { expect, it } from 'vitest';
import { headerBytes, parseCacheHeader } from '../../../src/filesystem/zone/cache-header.ts';
import { cacheFile } from './cache-file.ts';

/** The first of what Debian's nginx 1.22 has written for a page with `Vary: X-Kind, Accept-Language`. */
const real = Buffer.concat([
  Buffer.from('050000000000000048a10c6b0000000000000000000000000000000000000000', 'hex'),
  Buffer.from('ffffffffffffffffe4a00c6b0000000070946a9300005a012302000000000000', 'hex'),
  Buffer.alloc(123),
  Buffer.from('\x17X-Kind, Accept-Language', 'latin1'),
  Buffer.alloc(105),
  Buffer.from('7150545344d54b5c160bb8a6448ceb2700000000', 'hex'),
  Buffer.from('\nKEY: k/a\nHTTP/1.1 200 OK\r\n'),
]);

const parsed = (bytes: Buffer) => {
  const header = parseCacheHeader(bytes);
  return header && { ...header, key: header.key.toString() };
};

it("reads nginx's header", () => {
  expect(parsed(real)).toEqual({ version: 5, key: 'k/a', vary: 'X-Kind, Accept-Language', validAt: 8 });
  expect(parsed(cacheFile('k/b'))).toEqual({ version: 5, key: 'k/b', vary: '', validAt: 8 });
});

it.each([3, 4, 5])('knows version %d', (version) => {
  expect(parsed(cacheFile('k', { version }))).toMatchObject({ version, key: 'k' });
});

it.each([1, 2, 6, 256 + 5, 65_536 + 5])('does not know version %d', (version) => {
  expect(parsed(cacheFile('k', { version }))).toBeUndefined();
});

it('reads the header of 32 bits, and does not know where its time is', () => {
  const narrow = Buffer.concat([Buffer.from([5, 0, 0, 0]), Buffer.alloc(300, 7), Buffer.from('\nKEY: k\n')]);
  expect(parsed(narrow)).toEqual({ version: 5, key: 'k', vary: undefined, validAt: undefined });
});

it('takes an empty file and one whose version is 0 for spoilt', () => {
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(4), Buffer.alloc(500), cacheFile('k', { version: 0 })])
    expect(parsed(bytes)).toMatchObject({ version: 0 });
  const time = cacheFile('k', { version: 0 });
  time.writeUInt32LE(1, 4);
  expect(parsed(time)).toBeUndefined();
});

it('takes nothing else for a page', () => {
  const widened = cacheFile('k');
  widened.writeUInt32LE(1, 4);
  const others = [
    widened,
    Buffer.from([5, 0]),
    Buffer.from('a text that has a\nKEY: k\n'),
    cacheFile('k').subarray(0, 343),
    Buffer.concat([cacheFile('k').subarray(0, 336), Buffer.alloc(100), Buffer.from('\nKEY: k\n')]),
  ];
  expect(others.map(parsed)).toEqual(others.map(() => undefined));
});

it('has its key whole in as many bytes as are read for it', () => {
  const key = 'k'.repeat(2_000);
  expect(parsed(cacheFile(key).subarray(0, headerBytes(key.length)))?.key).toBe(key);
});
