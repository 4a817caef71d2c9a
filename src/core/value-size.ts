import { byteLength } from './bytes.ts';

/**
 * At most so many bytes of a key's value are read. No path is over 4,095 bytes, and no prefix that a template
 * removes is as long again, so a longer value names no page. The rest is neither read nor kept
 * (postgres/key-text.ts), and a mark gives its length.
 */
export const maxValueBytes = 8_192;

/** The mark after the beginning of a value that was cut. */
const mark = /\.\.\. \((\d+) bytes\)$/;

/** Says how large a value is that is too long to be read; undefined for any other. */
export function formatOversize(value: string): string | undefined {
  // Nearly all values are far shorter, and a character has four bytes at most.
  if (value.length * 4 <= maxValueBytes) return undefined;
  const bytes = byteLength(value);
  if (bytes <= maxValueBytes) return undefined;
  return formatSize(Number(mark.exec(value.slice(-40))?.[1] ?? bytes));
}

function formatSize(bytes: number): string {
  const kilobytes = Math.round(bytes / 1_024);
  return kilobytes < 1_024 ? `${kilobytes} KB` : `${Math.round(kilobytes / 1_024)} MB`;
}

/**
 * The column name in place of a key that is too large to be read; its value is the size. No real column has
 * an empty name.
 */
export const keySize = '';
