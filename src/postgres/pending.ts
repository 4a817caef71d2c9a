import { hasBytes } from '../core/bytes.ts';
import type { Key, LogRow } from '../core/contracts.ts';
import { withAdvice } from './advice.ts';
import { cursorsByHandler, ignoredConsumers } from './consumer-table.ts';
import { elapsedMs, retryMs } from './elapsed-time.ts';
import { jsonOf, withKeys } from './json.ts';
import { logKey, shownError } from './log-key.ts';
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

/** A row of the log or of uncached.failing, at one consumer. */
export interface PendingRow extends LogRow {
  readonly claimedMs: number;
  /** Whether it was cleared once. */
  readonly cleared: boolean;
  readonly attempts: number;
  readonly error: string | null;
  /** Until the retry. */
  readonly retryMs: number | null;
  readonly invalid: boolean;
}

/** Rows of one statement. */
const mostRead = 1_000;

/** A join would sort the log. */
const ofHandler = (cursor: string) => `
  coalesce((SELECT ${cursor} FROM cursors WHERE cursors.handler = log.handler), (SELECT ${cursor} FROM cursors WHERE handler IS NULL))`;

/** Rows of these handlers that match and that some consumer has not settled. There may be a million others. */
export async function pendingRows(
  pool: Pool,
  handlers: readonly string[],
  asked: (row: LogRow) => boolean,
): Promise<PendingRow[]> {
  try {
    const json = await jsonOf(pool);
    const found: PendingRow[] = [];
    let part: PendingRow[] = [];
    do {
      const { rows } = await pool.query<PendingRow>(
        `WITH cursors AS MATERIALIZED (${cursorsByHandler(ignoredConsumers('NULL'))})
         SELECT id::float8 AS id, handler, ${json.send(logKey)} AS key, ${elapsedMs('claimed_at')} AS "claimedMs",
                id <= ${ofHandler('cleared_to')} AS cleared, 0 AS attempts, NULL AS error, NULL AS "retryMs", false AS invalid
         FROM uncached.log AS log
         WHERE id > greatest($1, (SELECT min(settled_to) FROM cursors)) AND id > ${ofHandler('settled_to')}
           AND handler = ANY ($2) ORDER BY log.id LIMIT ${mostRead}`,
        [part.at(-1)?.id ?? 0, handlers],
      );
      part = await withKeys(rows, json);
      for (const row of part) if (asked(row)) found.push(row);
    } while (part.length === mostRead);
    const failing = await failingRows(pool, handlers, asked);
    const ids = new Set(failing.map(({ id }) => id));
    return [...failing, ...found.filter(({ id }) => !ids.has(id))];
  } catch (error) {
    throw withAdvice('Cannot read the log', error);
  }
}

async function failingRows(
  pool: Pool,
  handlers: readonly string[],
  asked: (row: LogRow) => boolean,
): Promise<PendingRow[]> {
  const json = await jsonOf(pool);
  const found: PendingRow[] = [];
  let part: (PendingRow & { consumer: string })[] = [];
  do {
    const last = part.at(-1);
    const { rows } = await pool.query<PendingRow & { consumer: string }>(
      `SELECT id::float8 AS id, consumer, handler, ${json.send(logKey)} AS key, attempts, ${shownError} AS error, invalid,
              ${elapsedMs('claimed_at')} AS "claimedMs", cohort IS NOT NULL AS cleared, ${retryMs} AS "retryMs"
       FROM uncached.failing WHERE (consumer, id) > ($1, $2::bigint) AND handler = ANY ($3) AND consumer NOT IN (${ignoredConsumers('NULL')})
       ORDER BY consumer, failing.id LIMIT ${mostRead}`,
      [last?.consumer ?? '', last?.id ?? 0, handlers],
    );
    part = await withKeys(rows, json);
    for (const row of part) if (asked(row)) found.push(row);
  } while (part.length === mostRead);
  return found;
}
