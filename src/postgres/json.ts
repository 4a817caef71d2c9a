import { decode } from '../core/bytes.ts';
import type { JournalRow, Key } from '../core/contracts.ts';
import type { Pool } from './pool.ts';

/** How json that holds keys comes from this database. */
export interface Json {
  /** The SQL expression that returns it. */
  send(expression: string): string;
  /** What that expression returned. */
  read<T>(value: unknown): T;
}

const asJson: Json = { send: (expression) => expression, read: <T>(value: unknown) => value as T };

/** node-postgres decodes whatever comes as UTF-8, and only bytea comes as it is. */
const asBytes: Json = {
  send: (expression) => `convert_to((${expression})::text, 'SQL_ASCII')`,
  read: <T>(value: unknown) => (value === null ? null : JSON.parse(decode(value as Buffer))) as T,
};

const known = new WeakMap<Pool, Promise<Json>>();

/**
 * In a database whose encoding is SQL_ASCII a producer can enqueue any bytes, which name files by just these bytes; in every other
 * one the server converts to UTF-8.
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
  return rows[0]?.encoding === 'SQL_ASCII' ? asBytes : asJson;
}

/** @param rows with keys as the database sent them */
export function withKeys<Row extends JournalRow>(rows: readonly Row[], json: Json): Row[] {
  return rows.map((row) => ({ ...row, key: json.read(row.key) }));
}

/**
 * Rows of one handler, of which the database sent ids and keys as one value: node-postgres takes longer over thousands of rows than the
 * server does, and the names in each of them would be most of the memory.
 */
export function rowsOf(
  handler: string,
  { ids, keys }: { ids: readonly number[] | null; keys: readonly Key[] | null },
): JournalRow[] {
  return (ids ?? []).map((id, at) => ({ id, handler, key: keys?.[at] ?? {} }));
}
