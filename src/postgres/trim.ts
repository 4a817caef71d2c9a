import type { Pool } from './pool.ts';

/** Rows of one statement: with more, it could run into statement_timeout at each attempt. */
const mostTrimmed = 10_000;
/** More are not kept for `explain`. */
const mostKept = 100_000;

/** Deletes rows that nobody needs. */
export async function trim(pool: Pool, { keepMs }: { keepMs: number }): Promise<void> {
  // Those of earlier statements are dead, and are walked over until the table is vacuumed.
  let after = 0;
  for (let rows = mostTrimmed; rows === mostTrimmed; ) {
    const trimmed = await pool.query<{ rows: number; last: number | null }>({
      name: 'uncached_trim',
      text: trimStatement,
      values: [keepMs, after],
    });
    rows = trimmed.rows[0]?.rows ?? 0;
    after = trimmed.rows[0]?.last ?? after;
  }
}

/**
 * Deletes from the beginning: up to the least that is settled everywhere, and of this what is older than `keep`
 * or too much. A time in the future was written before the clock was set back.
 */
const trimStatement = `
  WITH settled AS MATERIALIZED (
    SELECT coalesce((SELECT min(settled_to) FROM uncached.consumer WHERE state <> 'expired'), (SELECT max(id) FROM uncached.log)) AS upto
  ), part AS MATERIALIZED (
    SELECT id, claimed_at FROM uncached.log WHERE id > $2 AND id <= (SELECT upto FROM settled) ORDER BY id LIMIT ${mostTrimmed}
  ), kept AS MATERIALIZED (
    SELECT min(id) AS id FROM part
    WHERE claimed_at BETWEEN clock_timestamp() - $1 * interval '1 millisecond' AND clock_timestamp() + interval '1 minute'
      AND id > (SELECT max(id) - ${mostKept} FROM uncached.log)
  ), trimmed AS (
    DELETE FROM uncached.log
    WHERE id > $2 AND id <= (SELECT coalesce((SELECT id - 1 FROM kept), (SELECT max(id) FROM part)))
    RETURNING 1
  )
  SELECT (SELECT count(*)::int FROM trimmed) AS rows, (SELECT max(id)::float8 FROM part) AS last`;
