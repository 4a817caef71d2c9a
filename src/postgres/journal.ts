import {
  type Journal,
  type JournalCount,
  type JournalRow,
  type Key,
  maxCounted,
  type RecoveryScope,
  type RowsAt,
  type TransactionSnapshot,
} from '../core/contracts.ts';
import { slices } from '../core/slices.ts';
import { withAdvice } from './advice.ts';
import { elapsedMs } from './elapsed-time.ts';
import { drop, failing, retryNow } from './failing-rows.ts';
import { journalKey } from './journal-key.ts';
import { type Json, jsonOf, rowsOf, withKeys } from './json.ts';
import type { Pool } from './pool.ts';
import { fail, isInvalid, keepInvalid, retake } from './retries.ts';
import { workingSessionOf } from './session-name.ts';
import { ourRole, takeOver } from './take-over.ts';

/**
 * `uncached.journal`: what is claimed and not yet settled. One function for each statement.
 *
 * Each row has an owner, the daemon that works on it, and every statement changes only the caller's rows: a
 * daemon that was frozen and goes on no longer finds those that another has taken over.
 */
export function openJournal(pool: Pool, { owner, leaseMs }: { owner: string; leaseMs: number }): Journal {
  const own = { pool, owner, leaseMs };
  const tell = <Arguments extends unknown[], Result>(
    what: string,
    statement: (given: typeof own, ...values: Arguments) => Promise<Result>,
  ) => {
    return (...values: Arguments) =>
      statement(own, ...values).catch((error) => {
        throw withAdvice(`Cannot ${what}`, error);
      });
  };
  return {
    record: tell('write to the journal', record),
    snapshot: tell('look for open transactions', snapshot),
    read: tell('read the journal', read),
    settle: tell('delete settled rows from the journal', settle),
    keepInvalid: tell('keep invalid rows in the journal', keepInvalid),
    fail: tell('mark failing rows in the journal', fail),
    retake: tell('read failing rows from the journal', retake),
    takeOver: tell('take rows of dead daemons over', takeOver),
    newest: tell('read the journal', newest),
    unsettled: tell('read the journal', unsettled),
    counts: tell('count the journal', counts),
    failing: tell('list failing rows', failing),
    retryNow: tell('retry failing rows', retryNow),
    drop: tell('drop failing rows', drop),
  };
}

interface Own {
  readonly pool: Pool;
  readonly owner: string;
}

/**
 * Rows of one statement: with more, it could run into statement_timeout at each attempt, or its answer could
 * fill the memory (a key has some kilobytes at most, journal-key.ts).
 */
const mostRead = 5_000;
const mostWritten = 20_000;
const mostWithKeys = 1_000;

/**
 * bigint would come as text; ids stay far below 2^53. To be read in order without a sort, rows are ordered by
 * the column itself: `journal.id`.
 */
const columns = ({ send }: Json) => `id::float8 AS id, handler, ${send(journalKey)} AS key`;

/** In PostgreSQL's array syntax: node-postgres would quote each of thousands of numbers. */
const arrayOf = (ids: readonly number[]) => `{${ids.join()}}`;

async function record({ pool, owner }: Own, handler: string): Promise<JournalRow> {
  const { rows } = await pool.query<JournalRow>({
    name: 'uncached_record',
    text: `INSERT INTO uncached.journal (handler, key, enqueued_at, owner)
           VALUES ($1, '{}', clock_timestamp(), $2) RETURNING id::float8 AS id, handler, key`,
    values: [handler, owner],
  });
  const [row] = rows;
  if (!row) throw new Error('the statement returned nothing');
  return row;
}

/**
 * Other sessions' transactions, by virtualxid: one that skipped an insert because "it is queued already" may
 * have no transaction id. pg_locks joined to pg_stat_activity shows them to an unprivileged role. The
 * daemon's own sessions, known by its owner's name, change no data: its claims under way need no waiting.
 *
 * `at` is never before the claim of a row it found, even if the server's clock was set back in between:
 * otherwise the row would never settle.
 */
async function snapshot(
  { pool, owner }: Own,
  cleared: readonly number[],
  mark: readonly number[],
): Promise<TransactionSnapshot> {
  // A mark is only for display, so it may come before the snapshot.
  for (const slice of slices(mark.slice(mostWritten), mostWritten)) await markCleared({ pool, owner }, slice);
  const { rows } = await pool.query<Omit<TransactionSnapshot, 'prepared'> & { mayPrepare: boolean }>({
    name: 'uncached_look',
    text: `
      WITH found AS MATERIALIZED (
        SELECT id, claimed_at FROM uncached.journal WHERE id = ANY ($1::bigint[]) AND owner = $2
      ), marked AS (
        ${marking('$3')}
      )
      SELECT (SELECT coalesce(json_agg(id), '[]') FROM found) AS found,
             (greatest(clock_timestamp(), (SELECT max(claimed_at) FROM found)) AT TIME ZONE 'UTC')::text || '+00' AS at,
             ARRAY(SELECT l.virtualtransaction
                   FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                   WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
                     AND a.datname = current_database()
                     AND (a.application_name IS DISTINCT FROM ${workingSessionOf('$2')} OR a.usesysid IS DISTINCT FROM ${ourRole})) AS virtual,
             current_setting('max_prepared_transactions')::int > 0 AS "mayPrepare"`,
    values: [arrayOf(cleared), owner, arrayOf(mark.slice(0, mostWritten))],
  });
  const [seen] = rows;
  if (!seen) throw new Error('the statement returned nothing');
  const { mayPrepare, ...looked } = seen;
  return { ...looked, prepared: mayPrepare ? await listPrepared(pool) : [] };
}

const marking = (ids: string) => `
  UPDATE uncached.journal SET cleared_at = clock_timestamp(), last_error = NULL, retry_at = NULL
  WHERE id = ANY (${ids}::bigint[]) AND owner = $2`;

async function markCleared({ pool, owner }: Own, ids: readonly number[]): Promise<void> {
  await pool.query({ name: 'uncached_mark', text: marking('$1'), values: [arrayOf(ids), owner] });
}

/**
 * In a statement of its own, after the virtual ids: a transaction that is being prepared leaves that list
 * only when this one has it.
 */
async function listPrepared(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ xid: string }>(
    'SELECT transaction::text AS xid FROM pg_prepared_xacts WHERE database = current_database()',
  );
  return rows.map(({ xid }) => xid);
}

async function read(own: Own, { ids, at }: RowsAt): Promise<JournalRow[]> {
  const found: JournalRow[][] = [];
  for (const slice of slices(ids, mostRead)) found.push(await readSlice(own, { ids: slice, at }));
  return found.flat();
}

async function readSlice({ pool, owner }: Own, { ids, at }: RowsAt): Promise<JournalRow[]> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<{ handler: string; ids: number[]; key: Key[] }>({
    name: 'uncached_read',
    text: `SELECT handler, json_agg(id) AS ids, ${json.send(`json_agg(${journalKey})`)} AS key
           FROM uncached.journal WHERE id = ANY ($1::bigint[]) AND claimed_at <= $2 AND owner = $3 GROUP BY handler`,
    values: [arrayOf(ids), at, owner],
  });
  const read = await withKeys(rows, json);
  return read.flatMap(({ handler, ids, key }) => rowsOf(handler, { ids, keys: key }));
}

async function settle({ pool, owner }: Own, { ids, at }: RowsAt): Promise<void> {
  for (const slice of slices(ids, mostWritten)) {
    await pool.query({
      name: 'uncached_settle',
      text: 'DELETE FROM uncached.journal WHERE id = ANY ($1::bigint[]) AND claimed_at <= $2 AND owner = $3',
      values: [arrayOf(slice), at, owner],
    });
  }
}

async function newest({ pool }: Own): Promise<number> {
  const { rows } = await pool.query<{ id: number }>(
    'SELECT coalesce(max(id), 0)::float8 AS id FROM uncached.journal',
  );
  return rows[0]?.id ?? 0;
}

const conditions: Readonly<Record<RecoveryScope, string>> = {
  all: 'true',
  'not-waiting': `retry_at IS NULL AND NOT ${isInvalid}`,
  // A claim in the future was written by a clock that has been set back.
  abandoned: `cleared_at IS NULL AND retry_at IS NULL
              AND claimed_at NOT BETWEEN clock_timestamp() - interval '5 seconds' AND clock_timestamp() + interval '5 seconds'`,
};

async function unsettled(
  { pool, owner }: Own,
  { after, upTo, limit, which }: { after: number; upTo: number; limit: number; which: RecoveryScope },
): Promise<JournalRow[]> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<JournalRow>(
    `SELECT ${columns(json)}, ${isInvalid} AS invalid FROM uncached.journal
     WHERE id > $1 AND id <= $2 AND owner = $4 AND ${conditions[which]} ORDER BY journal.id LIMIT $3`,
    [after, upTo, Math.min(limit, mostWithKeys), owner],
  );
  return withKeys(rows, json);
}

/**
 * Only so many rows are counted; there may be more. Invalid ones, which stay for long, do not hide others.
 */
async function counts({ pool }: Own): Promise<JournalCount[]> {
  const { rows } = await pool.query<JournalCount>(
    `SELECT handler,
            count(*) FILTER (WHERE cleared_at IS NULL AND last_error IS NULL)::int AS claimed,
            count(*) FILTER (WHERE cleared_at IS NOT NULL AND last_error IS NULL)::int AS settling,
            count(*) FILTER (WHERE cleared_at IS NULL AND last_error IS NOT NULL)::int AS failing,
            count(*) FILTER (WHERE ${isInvalid})::int AS invalid,
            ${elapsedMs(`max(claimed_at) FILTER (WHERE ${isInvalid})`)} AS "invalidMs",
            ${elapsedMs('min(coalesce(enqueued_at, claimed_at)) FILTER (WHERE cleared_at IS NULL AND last_error IS NULL)')} AS "claimedMs",
            ${elapsedMs('min(coalesce(enqueued_at, claimed_at)) FILTER (WHERE cleared_at IS NULL AND last_error IS NOT NULL)')} AS "failingMs",
            ${elapsedMs('min(cleared_at) FILTER (WHERE last_error IS NULL)')} AS "settlingMs",
            min(left(last_error, 200)) FILTER (WHERE cleared_at IS NULL) AS error
     FROM ((SELECT * FROM uncached.journal WHERE NOT ${isInvalid} ORDER BY id LIMIT ${maxCounted}) UNION ALL
           (SELECT * FROM uncached.journal WHERE ${isInvalid} LIMIT ${maxCounted})) AS journal
     GROUP BY handler ORDER BY handler`,
  );
  return rows;
}
