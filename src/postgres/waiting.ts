import type { JournalRow, Key } from '../core/contracts.ts';
import { withAdvice } from './advice.ts';
import { quoteIdentifier } from './identifier.ts';
import { jsonOf, withKeys } from './json.ts';
import type { Pool } from './pool.ts';
import { findQueueTable } from './queue-table.ts';

/** What waits to be cleared, for whoever asks about one page. Needs SELECT and nothing else. */

export interface QueuedKey {
  readonly key: Key;
  readonly entries: number;
  readonly oldestMs: number | null;
}

/** The keys in a queue table. `known` narrows a column to these values, so that a large backlog need not be read for one page. */
export async function queuedKeys(
  pool: Pool,
  queue: string,
  columns: readonly string[],
  known: (column: string) => readonly string[] | undefined,
): Promise<QueuedKey[]> {
  try {
    const table = await findQueueTable(pool, queue);
    if (!table) throw new Error('there is no such table: see uncached check');
    const json = await jsonOf(pool);
    const values: (readonly string[])[] = [];
    const conditions = columns.flatMap((column) => {
      const wanted = known(column);
      return wanted ? [`${quoteIdentifier(column)}::text = ANY ($${values.push(wanted)}::text[])`] : [];
    });
    const texts = columns.map((column) => `${quoteIdentifier(column)}::text`);
    const key = columns.map((column, at) => `'${column.replaceAll("'", "''")}', ${texts[at]}`).join(', ');
    const { rows } = await pool.query<QueuedKey>(
      `SELECT ${json.send(`jsonb_build_object(${key})`)} AS key, count(*)::int AS entries,
              extract(epoch FROM clock_timestamp() - min(${table.age}))::float8 * 1000 AS "oldestMs"
       FROM ${table.name} ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}
       ${texts.length > 0 ? `GROUP BY ${texts.join(', ')}` : 'HAVING count(*) > 0'}`,
      values,
    );
    return rows.map((row) => ({ ...row, key: json.read(row.key) }));
  } catch (error) {
    throw withAdvice(`Cannot look at ${queue}`, error);
  }
}

export interface WaitingRow extends JournalRow {
  readonly claimedMs: number;
  /** Null: not cleared yet. */
  readonly clearedMs: number | null;
  readonly attempts: number;
  readonly error: string | null;
  /** Until the next try. */
  readonly retryMs: number | null;
}

/** The journal rows of these handlers, whoever owns them. */
export async function waitingRows(pool: Pool, handlers: readonly string[]): Promise<WaitingRow[]> {
  const ms = (interval: string) => `extract(epoch FROM ${interval})::float8 * 1000`;
  try {
    const json = await jsonOf(pool);
    const { rows } = await pool.query<WaitingRow>(
      `SELECT id::float8 AS id, handler, ${json.send('key')} AS key, attempts, last_error AS error,
              ${ms('clock_timestamp() - claimed_at')} AS "claimedMs",
              ${ms('clock_timestamp() - cleared_at')} AS "clearedMs",
              ${ms('retry_at - clock_timestamp()')} AS "retryMs"
       FROM uncached.journal WHERE handler = ANY ($1) ORDER BY id`,
      [handlers],
    );
    return withKeys(rows, json);
  } catch (error) {
    throw withAdvice('Cannot read the journal', error);
  }
}
