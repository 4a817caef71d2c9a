import { decode, encode } from '../core/bytes.ts';

/** How each byte is written, if the characters in `kept` stay as they are. */
const tableOf = (kept: RegExp) =>
  Array.from({ length: 256 }, (_, byte) => {
    const character = String.fromCharCode(byte);
    return kept.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  });

/** What browsers leave alone in a path. */
export const ofPaths = tableOf(/[A-Za-z0-9\-._~!$&'()*+,;=:@]/);

/** What PHP's rawurlencode and Python's quote(safe='') leave alone. */
export const unreserved = tableOf(/[A-Za-z0-9\-._~]/);

export const noCharacters = tableOf(/[^\s\S]/);

/** Percent-encodes the bytes of all characters that are not kept. */
export function percent(text: string, table: readonly string[]): string {
  let encoded = '';
  for (const byte of encode(text)) encoded += table[byte];
  return encoded;
}

/** What its percent signs stand for, byte by byte. */
export function decodePercent(text: string): string {
  if (!text.includes('%')) return text;
  const bytes = text
    .split(/%([0-9A-Fa-f]{2})/)
    .map((part, at) => Buffer.from(part, at % 2 === 0 ? 'utf8' : 'hex'));
  return decode(Buffer.concat(bytes));
}
