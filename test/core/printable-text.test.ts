import { describe, expect, it } from 'vitest';
import {
  clip,
  clipAll,
  isClipped,
  isPrintable,
  printable,
  printableLines,
} from '../../src/core/printable-text.ts';

const evil = [
  '\n',
  '\r',
  '\t',
  '\x00',
  '\x1b[2J',
  '\x1b]0;title\x07',
  '\x7f',
  '\x85',
  '\x9b31m',
  '\u2028',
  '\u2029',
  '\u061c',
  '\u200e',
  '\u200f',
  '\u202a',
  '\u202e',
  '\u2066',
  '\u2069',
  '\ud800',
  '\udfff',
  '\udce9',
];

describe.each(evil)('%j', (text) => {
  it('is shown and does nothing', () => {
    expect(isPrintable(text)).toBe(false);
    const shown = printable(`a${text}b`);
    expect(shown).toMatch(/^a\\[ux][0-9a-fA-F]{2,4}.*b$/);
    expect(isPrintable(shown)).toBe(true);
  });

  it('is the same value in JSON', () => {
    const json = JSON.stringify({ [text]: [text] }, null, 2);
    expect(JSON.parse(printableLines(json))).toEqual({ [text]: [text] });
    expect(printableLines(json).split('\n').every(isPrintable)).toBe(true);
  });
});

it('what can be printed stays', () => {
  const text = 'é日本😀 עברית العربية a\u0301 \\u001b "\'|';
  expect(printable(text)).toBe(text);
  expect(printableLines(`${text}\n${text}`)).toBe(`${text}\n${text}`);
});

it('a long text is shown by its beginning, and its length', () => {
  expect(clip('a'.repeat(200))).toBe('a'.repeat(200));
  expect(clip('a'.repeat(1_000_000))).toBe(`${'a'.repeat(200)}... (1000000 characters)`);
  expect([isClipped(clip('a'.repeat(201))), isClipped(clip('a'.repeat(200)))]).toEqual([true, false]);
  expect(clip('😀'.repeat(3), 3)).toBe('😀... (6 characters)');
  const once = clip('a'.repeat(1_000_000));
  expect(clip(once)).toBe(once);
  const key = { port: 'a'.repeat(300), category: null };
  expect(clipAll([key, 1])).toEqual([{ port: clip(key.port), category: null }, 1]);
});
