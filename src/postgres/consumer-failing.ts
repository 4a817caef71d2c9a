import type { FailedRow, FailingRowsOfConsumer, IdRange, RowFailure } from '../core/consumer-contract.ts';
import { slices } from '../core/slices.ts';
import { advised } from './advice.ts';
import { longestWait, retryAfter } from './elapsed-time.ts';
import { jsonOf } from './json.ts';
import { logKey } from './log-key.ts';
import type { Pool } from './pool.ts';

/** `uncached.failing`, for one consumer. */

interface Own {
  readonly pool: Pool;
  /** The consumer. */
  readonly id: string;
  /** The handlers that it clears for: a row of another waits until it is configured again. */
  readonly handlers: readonly string[];
  /** The consumers that stand behind it, also behind another of these; perhaps not all are registered. */
  readonly behind: readonly string[];
}

/** Rows of one statement. */
const most = 1_000;
const mostRestarted = 5_000;

/** The maximum length of an error; it may contain a value of kilobytes. */
const mostCharacters = 1_000;

export function openFailing(own: Own): FailingRowsOfConsumer {
  const tell = <Arguments extends unknown[], Result>(
    what: string,
    statement: (given: Own, ...values: Arguments) => Promise<Result>,
  ) => advised(what, (...values: Arguments) => statement(own, ...values));
  return {
    add: tell('write to uncached.failing', add),
    keepInvalid: tell('write to uncached.failing', keepInvalid),
    keepOrphans: tell('write to uncached.failing', keepOrphans),
    due: tell('read uncached.failing', due),
    settleLater: tell('write to uncached.failing', settleLater),
    inCohorts: tell('read uncached.failing', inCohorts),
    passOn: tell('write to uncached.failing', passOn),
    remove: tell('delete from uncached.failing', remove),
    restart: tell('write to uncached.failing', restart),
  };
}

/** In PostgreSQL's array syntax: node-postgres would quote each of thousands of numbers. */
const arrayOf = (ids: readonly number[]) => `{${ids.join()}}`;

/**
 * A row that the log no longer has was settled: it fails already, and only gets another attempt. Its second
 * clearing starts over.
 */
async function add(own: Own, failures: readonly RowFailure[], { again } = { again: false }): Promise<number> {
  let soonest = Number.POSITIVE_INFINITY;
  for (const slice of slices(failures, most)) soonest = Math.min(soonest, await addSlice(own, slice, again));
  return Number.isFinite(soonest) ? Math.max(0, soonest) : 0;
}

async function addSlice({ pool, id }: Own, failures: readonly RowFailure[], again: boolean): Promise<number> {
  const { rows } = await pool.query<{ ms: number | null }>({
    name: 'uncached_fail',
    text: `
      WITH failure AS MATERIALIZED (
        SELECT * FROM unnest($2::bigint[], $3::text[]) AS failure (id, error)
      ), again AS (
        UPDATE uncached.failing AS failing
        SET attempts = attempts + 1, last_error = failure.error, cohort = NULL, invalid = false, retry_at = ${retryAfter('attempts')}
        FROM failure WHERE failing.consumer = $1 AND failing.id = failure.id
        RETURNING failing.id, retry_at
      ), added AS (
        INSERT INTO uncached.failing (consumer, id, handler, key, xid, enqueued_at, claimed_at, last_error, retry_at)
        SELECT $1, log.id, handler, key, xid, enqueued_at, claimed_at, failure.error, ${retryAfter('0')}
        FROM failure JOIN uncached.log AS log USING (id)
        WHERE NOT $4 AND failure.id NOT IN (SELECT id FROM again)
        ON CONFLICT (consumer, id) DO NOTHING
        RETURNING retry_at
      )
      SELECT extract(epoch FROM least((SELECT min(retry_at) FROM again), (SELECT min(retry_at) FROM added)) - clock_timestamp())::float8 * 1000 AS ms`,
    values: [id, arrayOf(failures.map((one) => one.id)), await errorsOf(pool, failures), again],
  });
  return rows[0]?.ms ?? Number.POSITIVE_INFINITY;
}

async function errorsOf(pool: Pool, failures: readonly RowFailure[]): Promise<string[]> {
  const { storable } = await jsonOf(pool);
  return failures.map(({ error }) => storable(error).slice(0, mostCharacters));
}

async function keepInvalid(
  { pool, id }: Own,
  failures: readonly RowFailure[],
  { again } = { again: false },
): Promise<void> {
  for (const slice of slices(failures, most)) {
    await pool.query({
      name: 'uncached_keep_invalid',
      text: `
        WITH failure AS MATERIALIZED (
          SELECT * FROM unnest($2::bigint[], $3::text[]) AS failure (id, error)
        ), again AS (
          UPDATE uncached.failing AS failing
          SET last_error = failure.error, cohort = NULL, invalid = true, retry_at = NULL
          FROM failure WHERE failing.consumer = $1 AND failing.id = failure.id
          RETURNING failing.id
        )
        INSERT INTO uncached.failing (consumer, id, handler, key, xid, enqueued_at, claimed_at, attempts, last_error, invalid)
        SELECT $1, log.id, handler, key, xid, enqueued_at, claimed_at, 0, failure.error, true
        FROM failure JOIN uncached.log AS log USING (id)
        WHERE NOT $4 AND failure.id NOT IN (SELECT id FROM again)
        ON CONFLICT (consumer, id) DO NOTHING`,
      values: [id, arrayOf(slice.map((one) => one.id)), await errorsOf(pool, slice), again],
    });
  }
}

async function keepOrphans(
  { pool, id }: Own,
  { after, upTo }: IdRange,
  handlers: readonly string[],
): Promise<void> {
  await pool.query(
    `INSERT INTO uncached.failing (consumer, id, handler, key, xid, enqueued_at, claimed_at, attempts, last_error)
     SELECT $1, id, handler, key, xid, enqueued_at, claimed_at, 0, 'no daemon has this handler'
     FROM uncached.log WHERE id > $2 AND id <= $3 AND handler = ANY ($4)
     ON CONFLICT (consumer, id) DO NOTHING`,
    [id, after, upTo, handlers],
  );
}

const columns = `id::float8 AS id, handler, ${logKey} AS key, invalid`;

/** A retry further away than the longest back-off means that the server's clock was set back: it is due now. */
async function due(
  { pool, id, handlers }: Own,
  limit: number,
): Promise<{ rows: FailedRow[]; nextMs: number | null }> {
  const json = await jsonOf(pool);
  const part = (time: string) =>
    `(SELECT ${columns} FROM uncached.failing WHERE consumer = $1 AND handler = ANY ($3) AND ${time} ORDER BY retry_at LIMIT least($2, ${most}))`;
  const { rows } = await pool.query<{ rows: unknown; nextMs: number | null }>({
    name: 'uncached_due',
    text: `
      WITH due AS MATERIALIZED (
        ${part('retry_at <= statement_timestamp()')} UNION ALL ${part(`retry_at > ${longestWait}`)} LIMIT least($2, ${most})
      )
      SELECT ${json.send('(SELECT json_agg(due) FROM due)')} AS rows,
             (SELECT greatest(0, extract(epoch FROM retry_at - clock_timestamp())::float8 * 1000)
              FROM uncached.failing
              WHERE consumer = $1 AND handler = ANY ($3) AND retry_at > statement_timestamp() AND retry_at <= ${longestWait}
              ORDER BY retry_at LIMIT 1) AS "nextMs"`,
    values: [id, limit, handlers],
  });
  return {
    rows: (await json.read<FailedRow[] | null>(rows[0]?.rows ?? null)) ?? [],
    nextMs: rows[0]?.nextMs ?? null,
  };
}

async function settleLater({ pool, id }: Own, ids: readonly number[], cohort: number): Promise<void> {
  for (const slice of slices(ids, most))
    await pool.query({
      name: 'uncached_settle_later',
      text: 'UPDATE uncached.failing SET cohort = $3, retry_at = NULL WHERE consumer = $1 AND id = ANY ($2::bigint[])',
      values: [id, arrayOf(slice), cohort],
    });
}

/** Of each of the cohorts the first ones, found by the index. */
async function inCohorts({ pool, id }: Own, cohorts: readonly number[], after: number): Promise<FailedRow[]> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<{ rows: unknown }>({
    name: 'uncached_in_cohorts',
    text: `
      WITH part AS MATERIALIZED (
        SELECT row.* FROM unnest($2::bigint[]) AS wanted (cohort) CROSS JOIN LATERAL (
          SELECT ${columns} FROM uncached.failing
          WHERE consumer = $1 AND failing.cohort = wanted.cohort AND failing.id > $3 ORDER BY failing.id LIMIT ${most}
        ) AS row ORDER BY row.id LIMIT ${most}
      )
      SELECT ${json.send('(SELECT json_agg(part) FROM part)')} AS rows`,
    values: [id, arrayOf(cohorts), after],
  });
  return (await json.read<FailedRow[] | null>(rows[0]?.rows ?? null)) ?? [];
}

/** Past a cache in the middle, too: it may not clear for these handlers. */
async function passOn({ pool, id, behind }: Own, ids: readonly number[]): Promise<void> {
  for (const slice of slices(ids, most))
    await pool.query({
      name: 'uncached_pass_on',
      text: `
        INSERT INTO uncached.failing AS failing (consumer, id, handler, key, xid, enqueued_at, claimed_at, attempts, last_error, retry_at)
        SELECT behind.id, failed.id, handler, key, xid, enqueued_at, claimed_at, 0, 'the cache before this one could not be cleared at first', clock_timestamp()
        FROM uncached.failing AS failed JOIN uncached.consumer AS behind
          ON behind.id = ANY ($3) AND failed.handler = ANY (behind.handlers) AND behind.state <> 'expired'
        WHERE failed.consumer = $1 AND failed.id = ANY ($2::bigint[])
        ON CONFLICT (consumer, id) DO UPDATE SET retry_at = excluded.retry_at, cohort = NULL, invalid = false`,
      values: [id, arrayOf(slice), behind],
    });
}

/** One that was made due meanwhile is in none of the cohorts, or in a later one. */
async function remove({ pool, id }: Own, ids: readonly number[], cohorts: readonly number[]): Promise<void> {
  for (const slice of slices(ids, most))
    await pool.query({
      name: 'uncached_remove',
      text: 'DELETE FROM uncached.failing WHERE consumer = $1 AND id = ANY ($2::bigint[]) AND cohort = ANY ($3::bigint[])',
      values: [id, arrayOf(slice), arrayOf(cohorts)],
    });
}

/** There may be a million. Those whose cohort is forgotten are found no more. */
async function restart({ pool, id }: Own, which: 'cohorts' | 'all'): Promise<void> {
  const part =
    which === 'cohorts'
      ? `consumer = $1 AND cohort IS NOT NULL AND $2 >= 0 ORDER BY cohort, failing.id`
      : 'consumer = $1 AND id > $2 ORDER BY failing.id';
  for (let after: number | null = 0; after !== null; ) {
    const { rows }: { rows: { last: number | null }[] } = await pool.query({
      name: `uncached_restart_${which}`,
      text: `
        WITH part AS MATERIALIZED (
          SELECT id FROM uncached.failing WHERE ${part} LIMIT ${mostRestarted}
        ), restarted AS (
          UPDATE uncached.failing SET cohort = NULL, retry_at = clock_timestamp()
          WHERE consumer = $1 AND id = ANY (ARRAY(SELECT id FROM part))
        )
        SELECT max(id)::float8 AS last FROM part`,
      values: [id, after],
    });
    after = rows[0]?.last ?? null;
  }
}
