import type { FailingRow, FailingRows } from '../core/consumer-contract.ts';
import { retryAsked } from '../core/contracts.ts';
import { ignoredConsumers } from './consumer-table.ts';
import { elapsedMs, retryMs } from './elapsed-time.ts';
import { jsonOf, withKeys } from './json.ts';
import { shownError, shownKey } from './log-key.ts';
import type { Pool } from './pool.ts';

/** Statements on failing rows, for an administrator: of one consumer after the other, by id, in parts. */

const mostShown = 10_000;
const mostChanged = 10_000;

/** The consumers that have any: the first, and each that comes next in the index. */
async function consumersOf(pool: Pool, { consumer, owner }: FailingRows): Promise<string[]> {
  if (consumer !== undefined && owner === undefined) return [consumer];
  const { rows } = await pool.query<{ consumer: string }>(
    `WITH RECURSIVE found AS (
       (SELECT consumer FROM uncached.failing ORDER BY consumer LIMIT 1)
       UNION ALL
       SELECT (SELECT consumer FROM uncached.failing WHERE consumer > found.consumer ORDER BY consumer LIMIT 1)
       FROM found WHERE consumer IS NOT NULL
     )
     SELECT consumer FROM found
     WHERE consumer = coalesce($1, consumer) AND ($2::text IS NULL OR consumer NOT IN (${ignoredConsumers('$2')}))`,
    [consumer ?? null, owner ?? null],
  );
  return rows.map((row) => row.consumer);
}

/**
 * Written so that the planner uses the primary key. Its plan is a generic one (session.ts): with
 * `$4 IS NULL OR id = ANY ($4)` it would compare each row with each of the ids.
 */
const condition = ({ invalid, ids }: FailingRows) =>
  [
    'consumer = $1 AND id > $2',
    '($3::text IS NULL OR handler = $3)',
    ids === undefined ? '$4::bigint[] IS NULL' : 'id = ANY ($4::bigint[])',
    ...(invalid === undefined ? [] : [invalid ? 'invalid' : 'NOT invalid']),
  ].join(' AND ');

const valuesOf = (consumer: string, after: number, { handler, ids }: FailingRows) => [
  consumer,
  after,
  handler ?? null,
  ids ?? null,
];

export async function failing(
  pool: Pool,
  which: FailingRows,
  limit = Number.POSITIVE_INFINITY,
): Promise<FailingRow[]> {
  const found: FailingRow[] = [];
  for (const consumer of await consumersOf(pool, which))
    for (let after = 0, rows: FailingRow[]; found.length < limit; after = rows.at(-1)?.id ?? after) {
      const most = Math.min(mostShown, limit - found.length);
      rows = await part(pool, valuesOf(consumer, after, which), { which, most });
      for (const row of rows) found.push(row);
      if (rows.length < most) break;
    }
  return found;
}

async function part(
  pool: Pool,
  values: readonly unknown[],
  { which, most }: { which: FailingRows; most: number },
): Promise<FailingRow[]> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<FailingRow>(
    `SELECT id::float8 AS id, consumer, handler, ${json.send(shownKey)} AS key, ${shownError} AS error, attempts,
            ${elapsedMs('claimed_at')} AS "ageMs", ${retryMs} AS "retryMs", invalid
     FROM uncached.failing WHERE ${condition(which)} ORDER BY failing.id LIMIT $5`,
    [...values, most],
  );
  return withKeys(rows, json);
}

/** As if never tried. */
export async function retryNow(pool: Pool, which: FailingRows): Promise<number> {
  const changed = await change(
    pool,
    'UPDATE uncached.failing SET retry_at = clock_timestamp(), cohort = NULL, invalid = false, attempts = 0',
    which,
  );
  await pool.query('SELECT pg_notify($1, $2)', [retryAsked, '']);
  return changed;
}

export function drop(pool: Pool, which: FailingRows): Promise<number> {
  return change(pool, 'DELETE FROM uncached.failing', which);
}

/** Returns how many rows there were. */
async function change(pool: Pool, statement: string, which: FailingRows): Promise<number> {
  const text = `
    WITH part AS MATERIALIZED (
      SELECT id FROM uncached.failing WHERE ${condition(which)} ORDER BY failing.id LIMIT ${mostChanged}
    ), changed AS (
      ${statement} WHERE consumer = $1 AND id = ANY (ARRAY(SELECT id FROM part)) RETURNING 1
    )
    SELECT (SELECT count(*)::int FROM changed) AS rows, (SELECT max(id)::float8 FROM part) AS last`;
  let changed = 0;
  for (const consumer of await consumersOf(pool, which))
    for (let after: number | null = 0; after !== null; ) {
      const { rows }: { rows: { rows: number; last: number | null }[] } = await pool.query(
        text,
        valuesOf(consumer, after, which),
      );
      changed += rows[0]?.rows ?? 0;
      after = rows[0]?.last ?? null;
    }
  return changed;
}
