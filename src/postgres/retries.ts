import type { JournalRow, RowFailure } from '../core/contracts.ts';
import { slices } from '../core/slices.ts';
import { longestWait } from './elapsed-time.ts';
import { journalKey } from './journal-key.ts';
import { jsonOf } from './json.ts';
import type { Pool } from './pool.ts';

/** Keeps rows that could not be cleared, and takes them back for a retry. */

type Own = { readonly pool: Pool; readonly owner: string };

const most = 1_000;

/** The maximum length of an error; it may contain a value of kilobytes. */
const mostCharacters = 1_000;

/**
 * The retries come after 1, 2, 4… seconds, an hour at most. A failing row is not settling: its second
 * clearing starts over.
 */
export async function fail(own: Own, failures: readonly RowFailure[]): Promise<number> {
  let soonest = Number.POSITIVE_INFINITY;
  for (const slice of slices(failures, most)) soonest = Math.min(soonest, await failSlice(own, slice));
  return Number.isFinite(soonest) ? Math.max(0, soonest) : 0;
}

async function failSlice({ pool, owner }: Own, failures: readonly RowFailure[]): Promise<number> {
  const { storable } = await jsonOf(pool);
  const { rows } = await pool.query<{ ms: number | null }>({
    name: 'uncached_fail',
    text: `
      WITH failed AS (
        UPDATE uncached.journal AS journal
        SET attempts = attempts + 1, last_error = failure.error, cleared_at = NULL,
            retry_at = clock_timestamp() + least(interval '1 hour', interval '1 second' * 2 ^ least(attempts, 12))
        FROM unnest($1::bigint[], $2::text[]) AS failure (id, error)
        WHERE journal.id = failure.id AND owner = $3
        RETURNING retry_at
      )
      SELECT extract(epoch FROM min(retry_at) - clock_timestamp())::float8 * 1000 AS ms FROM failed`,
    values: [failures.map(({ id }) => id), failures.map(({ error }) => stored(error, storable)), owner],
  });
  return rows[0]?.ms ?? Number.POSITIVE_INFINITY;
}

/**
 * Cleared for good as far as its key allows. No other row has both an error and `cleared_at`: another failure
 * resets `cleared_at`.
 */
export const isInvalid = '(last_error IS NOT NULL AND cleared_at IS NOT NULL)';

/**
 * Only for rows that were settled, read with the same `at`: a row that was not cleared twice must not look
 * finished.
 */
export async function keepInvalid(
  { pool, owner }: Own,
  invalid: readonly RowFailure[],
  at: string,
): Promise<void> {
  const { storable } = await jsonOf(pool);
  for (const slice of slices(invalid, most)) {
    await pool.query({
      name: 'uncached_keep_invalid',
      text: `
        UPDATE uncached.journal AS journal
        SET last_error = failure.error, cleared_at = clock_timestamp(), retry_at = NULL
        FROM unnest($1::bigint[], $2::text[]) AS failure (id, error)
        WHERE journal.id = failure.id AND claimed_at <= $3 AND owner = $4`,
      values: [slice.map(({ id }) => id), slice.map(({ error }) => stored(error, storable)), at, owner],
    });
  }
}

function stored(error: string, storable: (text: string) => string): string {
  return storable(error).slice(0, mostCharacters);
}

export async function retake(
  { pool, owner }: Own,
  { limit, handlers }: { limit: number; handlers: readonly string[] },
): Promise<{ rows: JournalRow[]; nextMs: number | null }> {
  const json = await jsonOf(pool);
  const own = 'last_error IS NOT NULL AND handler = ANY ($2) AND owner = $3';
  const due = (time: string) =>
    `(SELECT id FROM uncached.journal WHERE ${own} AND ${time} ORDER BY retry_at LIMIT least($1, ${most}))`;
  const { rows } = await pool.query<{ rows: unknown; nextMs: number | null }>({
    name: 'uncached_retake',
    text: `
      WITH due AS (
        UPDATE uncached.journal SET retry_at = NULL
        WHERE id = ANY (ARRAY(
          ${due('retry_at <= statement_timestamp()')} UNION ALL ${due(`retry_at > ${longestWait}`)} LIMIT least($1, ${most})))
        RETURNING id, handler, ${journalKey} AS key
      )
      SELECT ${json.send('(SELECT json_agg(due) FROM due)')} AS rows,
             (SELECT greatest(0, extract(epoch FROM retry_at - clock_timestamp())::float8 * 1000)
              FROM uncached.journal WHERE ${own} AND retry_at BETWEEN statement_timestamp() AND ${longestWait} ORDER BY retry_at LIMIT 1) AS "nextMs"`,
    values: [limit, handlers, owner],
  });
  return {
    rows: (await json.read<JournalRow[] | null>(rows[0]?.rows ?? null)) ?? [],
    nextMs: rows[0]?.nextMs ?? null,
  };
}
