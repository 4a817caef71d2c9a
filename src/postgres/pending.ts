import { hasBytes } from '../core/bytes.ts';
import type { JournalRow, Key } from '../core/contracts.ts';
import { withAdvice } from './advice.ts';
import { elapsedMs, retryMs } from './elapsed-time.ts';
import { journalKey, shownError } from './journal-key.ts';
import { jsonOf, withKeys } from './json.ts';
import type { Pool } from './pool.ts';
import { findQueueTable } from './queue-table.ts';

/** What waits to be cleared, for a question about one page. Needs only SELECT. */

export interface QueuedKey {
  readonly key: Key;
  readonly entries: number;
  readonly oldestMs: number | null;
}

/**
 * The keys in a queue table. `known` restricts a column to these values, so that a large backlog need not be
 * read for one page.
 */
export async function queuedKeys(
  pool: Pool,
  queue: string,
  columns: readonly string[],
  known: (column: string) => readonly string[] | undefined,
): Promise<QueuedKey[]> {
  try {
    const table = await findQueueTable(pool, queue);
    const json = await jsonOf(pool);
    const values: (readonly string[])[] = [];
    const keys = columns.flatMap((name) => {
      const text = table.texts.get(name);
      return text ? [{ name, text }] : [];
    });
    const conditions = keys.flatMap(({ name, text }) => {
      const wanted = known(name);
      // A value with a character that the database does not have cannot be queried: then all keys are read.
      return wanted?.every((value) => json.storable(value) === value && !hasBytes(value))
        ? [`${text.whole} = ANY ($${values.push(wanted)}::text[])`]
        : [];
    });
    const key = keys.map(({ name }, at) => `'${name.replaceAll("'", "''")}', k${at}`).join(', ');
    const texts = keys.map(({ text }, at) => `, ${text.bounded} AS k${at}`).join('');
    const { rows } = await pool.query<QueuedKey>(
      `SELECT ${json.send(`jsonb_build_object(${key})`)} AS key, count(*)::int AS entries, ${elapsedMs('min(added)')} AS "oldestMs"
       FROM (SELECT ${table.addedAt} AS added ${texts} FROM ${table.name}
             ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''}) AS entries
       ${keys.length > 0 ? `GROUP BY ${keys.map((_, at) => `k${at}`).join(', ')}` : 'HAVING count(*) > 0'}`,
      values,
    );
    return await withKeys(rows, json);
  } catch (error) {
    throw withAdvice(`Cannot look at ${queue}`, error);
  }
}

export interface PendingRow extends JournalRow {
  readonly claimedMs: number;
  /** Null: not cleared yet. */
  readonly clearedMs: number | null;
  readonly attempts: number;
  readonly error: string | null;
  /** Until the retry. */
  readonly retryMs: number | null;
}

/** Rows of one statement. */
const mostRead = 1_000;

/** The journal rows of these handlers that match, of every owner. There may be a million others. */
export async function pendingRows(
  pool: Pool,
  handlers: readonly string[],
  asked: (row: JournalRow) => boolean,
): Promise<PendingRow[]> {
  try {
    const json = await jsonOf(pool);
    const found: PendingRow[] = [];
    let part: PendingRow[] = [];
    do {
      const { rows } = await pool.query<PendingRow>(
        `SELECT id::float8 AS id, handler, ${json.send(journalKey)} AS key, attempts, ${shownError} AS error,
                ${elapsedMs('claimed_at')} AS "claimedMs", ${elapsedMs('cleared_at')} AS "clearedMs", ${retryMs} AS "retryMs"
         FROM uncached.journal WHERE id > $1 AND handler = ANY ($2) ORDER BY journal.id LIMIT ${mostRead}`,
        [part.at(-1)?.id ?? 0, handlers],
      );
      part = await withKeys(rows, json);
      for (const row of part) if (asked(row)) found.push(row);
    } while (part.length === mostRead);
    return found;
  } catch (error) {
    throw withAdvice('Cannot read the journal', error);
  }
}
