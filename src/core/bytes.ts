/**
 * Text that may contain bytes that are not UTF-8, as in an SQL_ASCII database and a file system. Such a byte
 * is the lone surrogate U+DC00 + byte, which no valid text contains (PEP 383 of Python). Encoding decoded
 * text gives the very same bytes.
 */

const foreign = /[\udc80-\udcff]/u;
const everyForeign = /[\udc80-\udcff]/gu;

export function decode(bytes: Buffer): string {
  const text = bytes.toString();
  if (!text.includes('\ufffd') || Buffer.from(text).equals(bytes)) return text;
  let decoded = '';
  for (let at = 0; at < bytes.length; ) {
    const character = bytes.subarray(at, at + sequenceLength(bytes[at] ?? 0));
    const one = character.toString();
    const valid = Buffer.from(one).equals(character);
    decoded += valid ? one : String.fromCharCode(0xdc00 + (bytes[at] ?? 0));
    at += valid ? character.length : 1;
  }
  return decoded;
}

/** How many bytes the character has that begins with this one, if it is a character. */
function sequenceLength(first: number): number {
  if (first >= 0xf0) return 4;
  if (first >= 0xe0) return 3;
  return first >= 0xc0 ? 2 : 1;
}

export function encode(text: string): Buffer {
  if (!hasBytes(text)) return Buffer.from(text);
  const runs = text.split(/([\udc80-\udcff])/u);
  return Buffer.concat(
    runs.map((run, at) => (at % 2 === 0 ? Buffer.from(run) : Buffer.from([run.charCodeAt(0) - 0xdc00]))),
  );
}

/** Whether it contains bytes that are not UTF-8. */
export function hasBytes(text: string): boolean {
  return foreign.test(text);
}

/** Bytes that were joined may be a character by now. */
export function recombine(text: string): string {
  return hasBytes(text) ? decode(encode(text)) : text;
}

export function byteLength(text: string): number {
  return Buffer.byteLength(text.replace(everyForeign, 'x'));
}

/** For messages: shows such a byte as `\xE9`. */
export function readable(text: string): string {
  return text.replace(
    everyForeign,
    (byte) => `\\x${(byte.charCodeAt(0) - 0xdc00).toString(16).toUpperCase()}`,
  );
}
