import { decode } from '../core/bytes.ts';
import { errorCode } from '../core/errors.ts';
import type { Pool } from './pool.ts';

/** The codes for a character that has no equivalent in UTF-8, and for bytes that are not a character. */
const unconvertible = ['22P05', '22021'];

/**
 * Parses json that came as bytes in the encoding of the database. Each string becomes what the server makes
 * of it for a client of UTF8. One that it cannot convert keeps its bytes (core/bytes.ts): no such client ever
 * saw it, so only these bytes can name its page.
 */
export async function toUnicode(pool: Pool, bytes: Buffer): Promise<unknown> {
  // In every server encoding an ASCII byte is that character, and json escapes nothing else. So far each byte
  // is read as one character.
  const parsed: unknown = JSON.parse(bytes.toString('latin1'));
  const foreign = new Set<string>();
  walk(parsed, (text) => {
    if (/[^\x00-\x7f]/.test(text)) foreign.add(text);
    return text;
  });
  if (foreign.size === 0) return parsed;
  const texts = await convert(pool, [...foreign]);
  return walk(parsed, (text) => texts.get(text) ?? text);
}

/** Replaces every string in it, including names. */
function walk(value: unknown, replace: (text: string) => string): unknown {
  if (typeof value === 'string') return replace(value);
  if (Array.isArray(value)) return value.map((item) => walk(item, replace));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [replace(name), walk(item, replace)]),
  );
}

/** Where the server refuses, the strings are halved until each one that it cannot convert is alone. */
async function convert(pool: Pool, texts: readonly string[]): Promise<Map<string, string>> {
  const bytes = texts.map((text) => Buffer.from(text, 'latin1'));
  try {
    const converted = await convertAll(pool, bytes);
    return new Map(texts.map((text, at) => [text, converted[at] ?? text]));
  } catch (error) {
    if (!unconvertible.includes(errorCode(error) ?? '')) throw error;
    const [text, ...others] = texts;
    if (text === undefined) return new Map();
    if (others.length === 0) return new Map([[text, decode(Buffer.from(text, 'latin1'))]]);
    const half = Math.ceil(texts.length / 2);
    return new Map([
      ...(await convert(pool, texts.slice(0, half))),
      ...(await convert(pool, texts.slice(half))),
    ]);
  }
}

async function convertAll(pool: Pool, texts: readonly Buffer[]): Promise<string[]> {
  const { rows } = await pool.query<{ text: Buffer }>(
    `SELECT convert(bytes, current_setting('server_encoding')::name, 'UTF8') AS text
     FROM unnest($1::bytea[]) WITH ORDINALITY AS given (bytes, place) ORDER BY place`,
    [texts],
  );
  return rows.map(({ text }) => text.toString());
}
