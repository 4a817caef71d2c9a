import { type FailingRow, type FailingRows, retryAsked } from '../core/contracts.ts';
import { elapsedMs, retryMs } from './elapsed-time.ts';
import { shownError, shownKey } from './journal-key.ts';
import { jsonOf, withKeys } from './json.ts';
import type { Pool } from './pool.ts';
import { isInvalid } from './retries.ts';

/**
 * Statements on failing rows, for an administrator: they change the rows of every owner, by id, in parts.
 */

type Own = { readonly pool: Pool };

const mostShown = 10_000;
const mostChanged = 10_000;

/**
 * Written so that the planner uses the index of failing rows: they may be few among a million. Its plan is a
 * generic one (session.ts): with `$3 IS NULL OR id = ANY ($3)` it would compare each row with each of the ids.
 */
const condition = ({ includeNotFailed = false, invalid, ids }: FailingRows) =>
  [
    ...(includeNotFailed ? [] : ['last_error IS NOT NULL']),
    ...(invalid === undefined ? [] : [`${isInvalid} = ${invalid}`]),
    'id > $1',
    '($2::text IS NULL OR handler = $2)',
    ids === undefined ? '$3::bigint[] IS NULL' : 'id = ANY ($3::bigint[])',
  ].join(' AND ');

const valuesOf = (after: number, { handler, ids }: FailingRows) => [after, handler ?? null, ids ?? null];

export async function failing(
  { pool }: Own,
  which: FailingRows,
  limit = Number.POSITIVE_INFINITY,
): Promise<FailingRow[]> {
  const json = await jsonOf(pool);
  const found: FailingRow[] = [];
  for (;;) {
    const most = Math.min(mostShown, limit - found.length);
    const { rows } = await pool.query<FailingRow>(
      `SELECT id::float8 AS id, handler, ${json.send(shownKey)} AS key, ${shownError} AS error, attempts,
              ${elapsedMs('claimed_at')} AS "ageMs", ${retryMs} AS "retryMs",
              ${isInvalid} AS invalid
       FROM uncached.journal WHERE ${condition(which)} ORDER BY journal.id LIMIT $4`,
      [...valuesOf(found.at(-1)?.id ?? 0, which), most],
    );
    for (const row of await withKeys(rows, json)) found.push(row);
    if (rows.length < mostShown || found.length >= limit) return found;
  }
}

/** As if never tried: the journal loop treats such rows as abandoned, whichever daemon owns them. */
export async function retryNow({ pool }: Own, which: FailingRows): Promise<number> {
  const changed = await change(
    pool,
    (ids) =>
      `UPDATE uncached.journal SET retry_at = NULL, cleared_at = NULL, attempts = 0 WHERE id = ANY (${ids}) RETURNING id`,
    which,
  );
  await pool.query('SELECT pg_notify($1, $2)', [retryAsked, '']);
  return changed;
}

export function drop({ pool }: Own, which: FailingRows): Promise<number> {
  return change(pool, (ids) => `DELETE FROM uncached.journal WHERE id = ANY (${ids}) RETURNING id`, which);
}

/** Returns how many rows there were. */
async function change(pool: Pool, statement: (ids: string) => string, which: FailingRows): Promise<number> {
  const part = `ARRAY(SELECT id FROM uncached.journal WHERE ${condition(which)} ORDER BY id LIMIT ${mostChanged})`;
  const text = `WITH changed AS (${statement(part)}) SELECT count(*)::int AS rows, coalesce(max(id), 0)::float8 AS last FROM changed`;
  const changed = { rows: 0, last: 0 };
  do {
    const { rows } = await pool.query<typeof changed>(text, valuesOf(changed.last, which));
    changed.rows += rows[0]?.rows ?? 0;
    changed.last = rows[0]?.last ?? 0;
  } while (changed.last > 0);
  return changed.rows;
}
