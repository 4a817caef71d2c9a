import { type FailingRow, type FailingRows, retryAsked } from '../core/contracts.ts';
import { jsonOf, withKeys } from './json.ts';
import type { Pool } from './pool.ts';

/** Statements on failing rows, for whoever looks after the daemon: they touch the rows of every owner. */

type Own = { readonly pool: Pool };

const condition = `last_error IS NOT NULL AND ($1::text IS NULL OR handler = $1) AND ($2::bigint[] IS NULL OR id = ANY ($2))`;

const valuesOf = ({ handler, ids }: FailingRows) => [handler ?? null, ids ?? null];

export async function failing({ pool }: Own, which: FailingRows, limit?: number): Promise<FailingRow[]> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<FailingRow>(
    `SELECT id::float8 AS id, handler, ${json.send('key')} AS key, last_error AS error, attempts,
            extract(epoch FROM clock_timestamp() - claimed_at)::float8 * 1000 AS "ageMs",
            extract(epoch FROM retry_at - clock_timestamp())::float8 * 1000 AS "retryMs"
     FROM uncached.journal WHERE ${condition} ORDER BY id LIMIT $3`,
    [...valuesOf(which), limit ?? null],
  );
  return withKeys(rows, json);
}

/** As if never tried: the journal loop takes rows like these for forgotten ones, whichever daemon owns them. */
export async function retryNow({ pool }: Own, which: FailingRows): Promise<number> {
  const { rowCount } = await pool.query(
    `UPDATE uncached.journal SET retry_at = NULL, attempts = 0 WHERE ${condition}`,
    valuesOf(which),
  );
  await pool.query('SELECT pg_notify($1, $2)', [retryAsked, '']);
  return rowCount ?? 0;
}

export async function drop({ pool }: Own, which: FailingRows): Promise<number> {
  const { rowCount } = await pool.query(`DELETE FROM uncached.journal WHERE ${condition}`, valuesOf(which));
  return rowCount ?? 0;
}
