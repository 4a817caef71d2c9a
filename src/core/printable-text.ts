import { readable } from './bytes.ts';

/*
 * Keys, file names and errors are text from others. Wherever it is shown, it must not move a cursor, begin a
 * line or change the direction of writing; and only the beginning of a value of a megabyte is shown.
 */

/**
 * Control characters (C0, DEL, C1), line and paragraph separators, lone surrogates, and characters that
 * change the direction of writing.
 */
const unprintable = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]/gu;
const unprintableInLines = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\p{Bidi_Control}]/gu;

/** On one line, with unprintable characters as `\u001b`; a byte that is not UTF-8 as `\xE9`. */
export function printable(text: string): string {
  return readable(text).replace(unprintable, escaped);
}

/**
 * The same for text whose line ends are intended. In JSON, where such characters occur only in strings, the
 * value stays the same.
 */
export function printableLines(text: string): string {
  return text.replace(unprintableInLines, escaped);
}

export function isPrintable(text: string): boolean {
  return printable(text) === text;
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const longestShown = 200;
const longestEnd = '... (1234567890 characters)'.length;

/** An error names a path, and says what to do about it. */
export const longestError = 1_000;

/**
 * The beginning of a long text, and how long it is. A text that the database has clipped in the same way
 * (postgres/log-key.ts) stays as it is.
 */
export function clip(text: string, most = longestShown): string {
  if (text.length <= most || (text.length <= most + longestEnd && isClipped(text))) return text;
  // Not between the two halves of a character.
  const end = /[\ud800-\udbff]/.test(text[most - 1] ?? '') ? most - 1 : most;
  return `${text.slice(0, end)}... (${text.length} characters)`;
}

export function isClipped(text: string): boolean {
  return /\.\.\. \(\d+ characters\)$/.test(text);
}

/** A key, or any other value made of values, with each text in it clipped. */
export function clipAll<T>(value: T, most?: number): T;
export function clipAll(value: unknown, most?: number): unknown {
  if (typeof value === 'string') return clip(value, most);
  if (Array.isArray(value)) return value.map((one) => clipAll(one, most));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, clipAll(one, most)]));
}
