/** Names are written one character a byte here, as latin1 has it: no decoding of ours is trusted. */
export type Bytes = string;

export const everyByte = Array.from({ length: 255 }, (_, byte) => `a${String.fromCharCode(byte + 1)}b`);
/** Too long for what they mean, surrogates, beyond Unicode, cut off, whole, and U+FFFD itself. */
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
/** Never enqueued, and alike to what is: by another encoding, or to a reader that takes bytes for U+FFFD. */
export const neighbours: Bytes[] = [
  'a\xc3\xa8b',
  'a\xef\xbf\xbdb',
  'a\xef\xbf\xbd\xef\xbf\xbdb',
  'a\xe9',
  '\xe9b',
  'a\xe9\xe9b',
  'x',
];
