import { describe, expect, it } from 'vitest';
import { byteLength, decode, encode, hasBytes, readable, recombine } from '../../src/core/bytes.ts';
import { random } from '../random.ts';

const chances = random();

/** Bytes that contain characters, complete and truncated. */
function anyBytes(): Buffer {
  const pieces = ['a', 'é', '日', '😀', '\ufeff', '\ufffd', '\ud83d'].map((text) => Buffer.from(text));
  const overlong = [0xc0, 0xaf, 0xe0, 0x80, 0x80, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0xf8, 0xff];
  const piece = () => chances.pick([...pieces, Buffer.from([chances.below(256)]), Buffer.from(overlong)]);
  const one = Buffer.concat(chances.list(6, piece));
  return chances.chance(0.5) ? one : one.subarray(chances.below(3), one.length - chances.below(3));
}

describe('decode and encode', () => {
  it('give back the very same bytes, whatever they are', () => {
    for (let byte = 0; byte < 256; byte++) {
      const bytes = Buffer.from([0x61, byte, 0x62]);
      expect(encode(decode(bytes))).toEqual(bytes);
      expect(decode(bytes).length, String(byte)).toBe(3);
    }
    for (let round = 0; round < 20_000; round++) {
      const bytes = anyBytes();
      const text = decode(bytes);
      expect(encode(text).equals(bytes), bytes.toString('hex')).toBe(true);
      expect(byteLength(text), bytes.toString('hex')).toBe(bytes.length);
      expect(hasBytes(text)).toBe(bytes.toString() !== text || !Buffer.from(text).equals(bytes));
      expect(recombine(text)).toBe(text);
    }
  });

  it('take no two names for one', () => {
    expect(decode(Buffer.from([0xe9]))).not.toBe(decode(Buffer.from([0xe8])));
    expect(decode(Buffer.from([0xe9]))).not.toBe('\ufffd');
    expect(decode(Buffer.from('\ufffd'))).toBe('\ufffd');
    // Surrogates, and "/" in too many bytes, are not UTF-8.
    expect(decode(Buffer.from([0xed, 0xb3, 0xa9]))).toBe('\udced\udcb3\udca9');
    expect(decode(Buffer.from([0xc0, 0xaf]))).toBe('\udcc0\udcaf');
  });

  it('leave a valid text as it is', () => {
    for (const text of ['', 'abc', 'é日😀\ufeff\ufffd']) {
      expect(hasBytes(text)).toBe(false);
      expect(decode(Buffer.from(text))).toBe(text);
    }
  });
});

it('recombine makes a character of bytes that are one together', () => {
  expect(recombine('\udcc3\udca9')).toBe('é');
  expect(recombine('\udcc3.\udca9')).toBe('\udcc3.\udca9');
});

it('readable names the bytes', () => {
  expect(readable('caf\udce9/é\udc80')).toBe('caf\\xE9/é\\x80');
});
