import { decode } from '../core/bytes.ts';
import type { Key, LogRow } from '../core/contracts.ts';
import { toUnicode } from './encoding.ts';
import type { Pool } from './pool.ts';

/** How json that contains keys comes from this database, and how our text gets there. */
export interface Json {
  /** The SQL expression that returns it. */
  send(expression: string): string;
  /** Parses the value of that expression. */
  read<T>(value: unknown): Promise<T>;
  /** Our text in a form that the database can store, whatever its encoding. */
  storable(text: string): string;
}

const asJson: Json = {
  send: (expression) => expression,
  read: async <T>(value: unknown) => value as T,
  storable: (text) => text,
};

/**
 * node-postgres decodes every value as UTF-8, except bytea, which comes unchanged: in the server's encoding.
 */
const asBytes = {
  send: (expression: string) => `convert_to((${expression})::text, 'SQL_ASCII')`,
  read: async <T>(value: unknown) => (value === null ? null : JSON.parse(decode(value as Buffer))) as T,
};

const known = new WeakMap<Pool, Promise<Json>>();

/**
 * - UTF8: nothing has to be converted.
 * - SQL_ASCII: a producer can enqueue any bytes, and exactly these bytes name files.
 * - Any other: text becomes UTF-8, which is what a writer gets and names its files by. The server refuses a
 *   whole result because of one value that it cannot convert, and so one entry would block its queue for
 *   ever: each value is converted separately (encoding.ts).
 */
export function jsonOf(pool: Pool): Promise<Json> {
  const asked = known.get(pool) ?? ask(pool);
  known.set(pool, asked);
  asked.catch(() => known.delete(pool));
  return asked;
}

async function ask(pool: Pool): Promise<Json> {
  const { rows } = await pool.query<{ encoding: string }>(
    `SELECT current_setting('server_encoding') AS encoding`,
  );
  const encoding = rows[0]?.encoding ?? '';
  if (encoding === 'UTF8') return asJson;
  if (encoding === 'SQL_ASCII') return { ...asBytes, storable: (text) => text };
  return {
    ...asBytes,
    read: async <T>(value: unknown) => (value === null ? null : await toUnicode(pool, value as Buffer)) as T,
    // Which of these characters the encoding has is unknown here, and an error that cannot be stored would be
    // retried for ever.
    storable: (text) => text.replace(/[^\x00-\x7f]/gu, toEscape),
  };
}

function toEscape(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}

/** @param rows with keys as the database sent them */
export function withKeys<Row extends { key: unknown }>(rows: readonly Row[], json: Json): Promise<Row[]> {
  return Promise.all(rows.map(async (row) => ({ ...row, key: await json.read<Row['key']>(row.key) })));
}

/**
 * Rows of one handler; the database sends ids and keys as one value. node-postgres takes longer for thousands
 * of rows than the server does, and the names in each of them would fill most of the memory.
 */
export function rowsOf(
  handler: string,
  { ids, keys }: { ids: readonly number[] | null; keys: readonly Key[] | null },
): LogRow[] {
  return (ids ?? []).map((id, at) => ({ id, handler, key: keys?.[at] ?? {} }));
}
