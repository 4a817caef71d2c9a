import type { Ends, FailingRow, FailingRows, Log, LogCount } from '../core/consumer-contract.ts';
import { type LogRow, logGrown, maxCounted } from '../core/contracts.ts';
import { advised } from './advice.ts';
import {
  cursorsByHandler,
  expire,
  forgetConsumer,
  ignoredConsumers,
  lastSeen,
  listConsumers,
} from './consumer-table.ts';
import { elapsedMs } from './elapsed-time.ts';
import { drop, failing, retryNow } from './failing-rows.ts';
import type { Pool } from './pool.ts';
import { recentClearings } from './recent-clearings.ts';
import { trim } from './trim.ts';

/** `uncached.log`, for what concerns every consumer. One function for each statement. */
export function openLog(pool: Pool): Log {
  const tell = <Arguments extends unknown[], Result>(
    what: string,
    statement: (pool: Pool, ...values: Arguments) => Promise<Result>,
  ) => advised(what, (...values: Arguments) => statement(pool, ...values));
  return {
    record: tell('append to the log', record),
    lastSeen: tell('read uncached.consumer', lastSeen),
    expire: tell('write to uncached.consumer', expire),
    trim: tell('trim the log', trim),
    ends: tell('read the log', ends),
    counts: tell<[string?], LogCount[]>('count the log', counts),
    recentClearings: tell('read the log', recentClearings),
    consumers: tell('read uncached.consumer', listConsumers),
    forget: tell('delete from uncached.consumer', forgetConsumer),
    failing: tell<[FailingRows, number?], FailingRow[]>('list failing rows', failing),
    retryNow: tell('retry failing rows', retryNow),
    drop: tell('drop failing rows', drop),
  };
}

/**
 * SQL that is true, once its statement is the only one that appends to the log, until its commit: ids, which
 * are given out after this, are in the order of commits, and a reader beyond an id misses nothing. Without it
 * a reader missed 1,272 of 100,000 rows. `first` is SQL for what must be done before, so that nobody waits for
 * that; false: nothing is appended.
 *
 * Without the row that is locked, which a copy of the tables alone does not have, it is an error in these words:
 * entries would leave their queue table and be nowhere.
 */
export const appendsAlone = (first: string) => `
  CASE WHEN ${first} THEN coalesce((SELECT single::text FROM uncached.log_lock WHERE ${first} FOR UPDATE), '${noLock}')::boolean END`;

const noLock = 'uncached.log_lock has lost its row: run uncached schema --journal-only | psql -d DATABASE';

/** SQL that notifies them, if there are any. `owner` is SQL. */
export const notifyOthers = (owner: string) => `
  CASE WHEN EXISTS (SELECT FROM uncached.consumer WHERE state <> 'expired' AND consumer.owner IS DISTINCT FROM ${owner})
       THEN pg_notify('${logGrown}', '') IS NULL END`;

async function record(pool: Pool, handler: string): Promise<LogRow> {
  const { rows } = await pool.query<LogRow>({
    name: 'uncached_record',
    text: `WITH appended AS (
             INSERT INTO uncached.log (handler, key, enqueued_at)
             SELECT $1, '{}', clock_timestamp() WHERE ${appendsAlone('true')}
             RETURNING id, handler, key
           )
           SELECT id::float8 AS id, handler, key, ${notifyOthers("''")} AS told FROM appended`,
    values: [handler],
  });
  const [row] = rows;
  if (!row) throw new Error('the statement returned nothing');
  return { id: row.id, handler: row.handler, key: row.key };
}

async function ends(pool: Pool, consumers: readonly string[]): Promise<Ends> {
  const { rows } = await pool.query<Ends>(
    `SELECT (SELECT coalesce(max(id), 0) FROM uncached.log)::float8 AS newest,
            (SELECT coalesce(min(settled_to), 0) FROM uncached.consumer WHERE state <> 'expired' AND id = ANY ($1))::float8 AS "settledTo",
            (SELECT count(*)::int FROM uncached.failing WHERE NOT invalid AND cohort IS NULL AND consumer = ANY ($1)) AS failing`,
    [consumers],
  );
  const [found] = rows;
  if (!found) throw new Error('the statement returned nothing');
  return found;
}

/**
 * A row counts until it is cleared, and until it is settled, everywhere but where the consumer has expired. Of a
 * daemon, if it has consumers, only those are asked. Only so many rows are counted; there may be more. Invalid ones,
 * which stay for long, do not hide others.
 */
async function counts(pool: Pool, owner?: string): Promise<LogCount[]> {
  const { rows } = await pool.query<LogCount>(
    `WITH ignored AS MATERIALIZED (
       ${ignoredConsumers('$1::text')}
     ), cursors AS MATERIALIZED (
       ${cursorsByHandler('TABLE ignored')}
     ), part AS MATERIALIZED (
       SELECT id, handler, enqueued_at, claimed_at FROM uncached.log
       WHERE id > (SELECT min(settled_to) FROM cursors) ORDER BY id LIMIT ${maxCounted}
     ), following AS (
       SELECT part.handler, enqueued_at, claimed_at, id <= coalesce(named.cleared_to, overall.cleared_to) AS cleared
       FROM part LEFT JOIN cursors AS named USING (handler) JOIN cursors AS overall ON overall.handler IS NULL
       WHERE id > coalesce(named.settled_to, overall.settled_to)
     ), failing AS (
       (SELECT * FROM uncached.failing WHERE NOT invalid AND consumer NOT IN (TABLE ignored) LIMIT ${maxCounted}) UNION ALL
       (SELECT * FROM uncached.failing WHERE invalid AND consumer NOT IN (TABLE ignored) LIMIT ${maxCounted})
     ), counted AS (
       SELECT handler, count(*) FILTER (WHERE NOT cleared)::int AS claimed, count(*) FILTER (WHERE cleared)::int AS settling,
              min(coalesce(enqueued_at, claimed_at)) FILTER (WHERE NOT cleared) AS claimed_since,
              min(claimed_at) FILTER (WHERE cleared) AS settling_since
       FROM following GROUP BY handler
     ), failed AS (
       SELECT handler, count(*) FILTER (WHERE NOT invalid AND cohort IS NULL)::int AS failing,
              count(*) FILTER (WHERE cohort IS NOT NULL)::int AS settling, count(*) FILTER (WHERE invalid)::int AS invalid,
              max(claimed_at) FILTER (WHERE invalid) AS invalid_since,
              min(coalesce(enqueued_at, claimed_at)) FILTER (WHERE NOT invalid AND cohort IS NULL) AS failing_since,
              min(left(last_error, 200)) FILTER (WHERE NOT invalid AND cohort IS NULL) AS error
       FROM failing GROUP BY handler
     )
     SELECT handler, coalesce(claimed, 0) AS claimed, coalesce(counted.settling, 0) + coalesce(failed.settling, 0) AS settling,
            coalesce(failing, 0) AS failing, coalesce(invalid, 0) AS invalid,
            ${elapsedMs('invalid_since')} AS "invalidMs", ${elapsedMs('claimed_since')} AS "claimedMs",
            ${elapsedMs('failing_since')} AS "failingMs", ${elapsedMs('settling_since')} AS "settlingMs", error
     FROM counted FULL JOIN failed USING (handler) ORDER BY handler`,
    [owner ?? null],
  );
  return rows;
}
