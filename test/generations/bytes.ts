/**
 * Names are written here with one character for each byte, as in latin1. The tests trust no decoding of ours.
 */
export type Bytes = string;

export const everyByte = Array.from({ length: 255 }, (_, byte) => `a${String.fromCharCode(byte + 1)}b`);
/** Overlong, surrogates, beyond Unicode, truncated, complete, and U+FFFD itself. */
const sequences = [
  '\xc0\xaf',
  '\xe0\x80\xaf',
  '\xed\xb3\xa9',
  '\xf4\x90\x80\x80',
  '\xe2\x82',
  '\xc3\xa9',
  '\xef\xbf\xbd',
  '\xff\xfe\xfd',
];
export const names: Bytes[] = [...everyByte, ...sequences].filter((name) => !name.includes('/'));
/**
 * Never enqueued, and similar to enqueued names: in another encoding, or to a reader that decodes bytes as
 * U+FFFD.
 */
export const neighbours: Bytes[] = [
  'a\xc3\xa8b',
  'a\xef\xbf\xbdb',
  'a\xef\xbf\xbd\xef\xbf\xbdb',
  'a\xe9',
  '\xe9b',
  'a\xe9\xe9b',
  'x',
];
