import type {
  Journal,
  JournalCount,
  JournalRow,
  Look,
  Looked,
  RowFailure,
  Which,
} from '../core/contracts.ts';
import { withAdvice } from './advice.ts';
import { drop, failing, retryNow } from './failing.ts';
import { type Json, jsonOf, rowsOf, withKeys } from './json.ts';
import type { Pool } from './pool.ts';

/**
 * `uncached.journal`: what is claimed and not yet settled. A function a statement.
 *
 * Each row has an owner, the daemon that works on it, and every statement touches only the caller's rows: a daemon that was stopped and
 * goes on finds those gone that another has taken over.
 */
export function openJournal(pool: Pool, { owner, leaseMs }: { owner: string; leaseMs: number }): Journal {
  const own: Own = { pool, owner };
  const tell = <Arguments extends unknown[], Result>(
    what: string,
    statement: (own: Own, ...values: Arguments) => Promise<Result>,
  ) => {
    return (...values: Arguments) =>
      statement(own, ...values).catch((error) => {
        throw withAdvice(`Cannot ${what}`, error);
      });
  };
  return {
    record: tell('write to the journal', record),
    look: tell('look for open transactions', look),
    read: tell('read the journal', read),
    settle: tell('delete settled rows from the journal', settle),
    fail: tell('mark failing rows in the journal', fail),
    retake: tell('read failing rows from the journal', retake),
    takeOver: tell('take rows of dead daemons over', () => takeOver(own, leaseMs)),
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

/** bigint would come as text; ids stay far below 2^53. */
const columns = ({ send }: Json) => `id::float8 AS id, handler, ${send('key')} AS key`;

/** As PostgreSQL writes an array: node-postgres would quote each of thousands of numbers. */
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
 * Other sessions' transactions, by virtualxid: one that skipped an insert because "it is queued already" may have no transaction
 * id. pg_locks joined to pg_stat_activity shows them to an unprivileged role. The daemon's own sessions, known by its owner's name, change
 * no data: a claim under way is none to wait for.
 *
 * `at` is never before the claim of a row it found, not even when the server's clock was set back in between: the row would never settle.
 */
async function look(
  { pool, owner }: Own,
  cleared: readonly number[],
  mark: readonly number[],
): Promise<Look> {
  const { rows } = await pool.query<Omit<Look, 'prepared'> & { mayPrepare: boolean }>({
    name: 'uncached_look',
    text: `
      WITH found AS MATERIALIZED (
        SELECT id, claimed_at FROM uncached.journal WHERE id = ANY ($1::bigint[]) AND owner = $2
      ), marked AS (
        UPDATE uncached.journal SET cleared_at = clock_timestamp(), last_error = NULL, retry_at = NULL
        WHERE id = ANY ($3::bigint[]) AND owner = $2
      )
      SELECT (SELECT coalesce(json_agg(id), '[]') FROM found) AS found,
             greatest(clock_timestamp(), (SELECT max(claimed_at) FROM found))::text AS at,
             ARRAY(SELECT l.virtualtransaction
                   FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                   WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
                     AND a.datname = current_database() AND a.application_name IS DISTINCT FROM 'uncached ' || $2) AS virtual,
             current_setting('max_prepared_transactions')::int > 0 AS "mayPrepare"`,
    values: [arrayOf(cleared), owner, arrayOf(mark)],
  });
  const [seen] = rows;
  if (!seen) throw new Error('the statement returned nothing');
  const { mayPrepare, ...looked } = seen;
  return { ...looked, prepared: mayPrepare ? await listPrepared(pool) : [] };
}

/** In a statement of its own, after the virtual ids: one that is being prepared leaves that list only when this one has it. */
async function listPrepared(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ xid: string }>(
    'SELECT transaction::text AS xid FROM pg_prepared_xacts WHERE database = current_database()',
  );
  return rows.map(({ xid }) => xid);
}

async function read({ pool, owner }: Own, { ids, at }: Looked): Promise<JournalRow[]> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<{ handler: string; ids: number[]; keys: unknown }>({
    name: 'uncached_read',
    text: `SELECT handler, json_agg(id) AS ids, ${json.send('json_agg(key)')} AS keys
           FROM uncached.journal WHERE id = ANY ($1::bigint[]) AND claimed_at <= $2 AND owner = $3 GROUP BY handler`,
    values: [arrayOf(ids), at, owner],
  });
  return rows.flatMap(({ handler, ids, keys }) => rowsOf(handler, { ids, keys: json.read(keys) }));
}

async function settle({ pool, owner }: Own, { ids, at }: Looked): Promise<void> {
  await pool.query({
    name: 'uncached_settle',
    text: 'DELETE FROM uncached.journal WHERE id = ANY ($1::bigint[]) AND claimed_at <= $2 AND owner = $3',
    values: [arrayOf(ids), at, owner],
  });
}

/** The next try comes after 1, 2, 4… seconds, an hour at most. A failing row is not settling: its second clearing starts over. */
async function fail({ pool, owner }: Own, failures: readonly RowFailure[]): Promise<number> {
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
    values: [failures.map(({ id }) => id), failures.map(({ error }) => error), owner],
  });
  return Math.max(0, rows[0]?.ms ?? 0);
}

async function retake(
  { pool, owner }: Own,
  { limit, handlers }: { limit: number; handlers: readonly string[] },
): Promise<{ rows: JournalRow[]; nextMs: number | null }> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<{ rows: unknown; nextMs: number | null }>({
    name: 'uncached_retake',
    text: `
      WITH due AS (
        UPDATE uncached.journal SET retry_at = NULL
        WHERE id = ANY (ARRAY(
          SELECT id FROM uncached.journal
          WHERE last_error IS NOT NULL AND retry_at <= clock_timestamp() AND handler = ANY ($2) AND owner = $3
          ORDER BY retry_at LIMIT $1))
        RETURNING id, handler, key
      )
      SELECT ${json.send('(SELECT json_agg(due) FROM due)')} AS rows,
             (SELECT greatest(0, extract(epoch FROM min(retry_at) - clock_timestamp())::float8 * 1000)
              FROM uncached.journal WHERE last_error IS NOT NULL AND handler = ANY ($2) AND owner = $3) AS "nextMs"`,
    values: [limit, handlers, owner],
  });
  return {
    rows: json.read<JournalRow[] | null>(rows[0]?.rows ?? null) ?? [],
    nextMs: rows[0]?.nextMs ?? null,
  };
}

/**
 * A daemon is alive while it has a session that did something within the lease; its heartbeat sees to that. One that died has none: its
 * rows are taken at once. One that was stopped (SIGSTOP) has silent ones. Sessions of other roles look dead from here: their rows are
 * then cleared twice, which does no harm.
 */
async function takeOver({ pool, owner }: Own, leaseMs: number): Promise<{ taken: number; others: number }> {
  const { rows } = await pool.query<{ taken: number; others: number }>({
    name: 'uncached_take_over',
    text: `
      WITH taken AS (
        UPDATE uncached.journal AS row SET owner = $1, cleared_at = NULL
        WHERE owner IS DISTINCT FROM $1 AND NOT EXISTS (
          SELECT FROM pg_stat_activity
          WHERE datname = current_database() AND state_change > clock_timestamp() - $2 * interval '1 millisecond'
            AND application_name IN ('uncached ' || row.owner, 'uncached ' || row.owner || ' listener'))
        RETURNING 1
      )
      SELECT (SELECT count(*)::int FROM taken) AS taken,
             (SELECT count(*)::int FROM uncached.journal WHERE owner IS DISTINCT FROM $1) - (SELECT count(*)::int FROM taken) AS others`,
    values: [owner, leaseMs],
  });
  return rows[0] ?? { taken: 0, others: 0 };
}

async function newest({ pool }: Own): Promise<number> {
  const { rows } = await pool.query<{ id: number }>(
    'SELECT coalesce(max(id), 0)::float8 AS id FROM uncached.journal',
  );
  return rows[0]?.id ?? 0;
}

const conditions: Readonly<Record<Which, string>> = {
  all: 'true',
  untried: 'retry_at IS NULL',
  forgotten: `cleared_at IS NULL AND retry_at IS NULL AND claimed_at < clock_timestamp() - interval '5 seconds'`,
};

async function unsettled(
  { pool, owner }: Own,
  { after, upTo, limit, which }: { after: number; upTo: number; limit: number; which: Which },
): Promise<JournalRow[]> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<JournalRow>(
    `SELECT ${columns(json)} FROM uncached.journal
     WHERE id > $1 AND id <= $2 AND owner = $4 AND ${conditions[which]} ORDER BY id LIMIT $3`,
    [after, upTo, limit, owner],
  );
  return withKeys(rows, json);
}

async function counts({ pool }: Own): Promise<JournalCount[]> {
  const { rows } = await pool.query<JournalCount>(
    `SELECT handler,
            count(*) FILTER (WHERE cleared_at IS NULL AND last_error IS NULL)::int AS claimed,
            count(*) FILTER (WHERE cleared_at IS NOT NULL)::int AS settling,
            count(*) FILTER (WHERE last_error IS NOT NULL)::int AS failing,
            ${age('min(coalesce(enqueued_at, claimed_at)) FILTER (WHERE cleared_at IS NULL AND last_error IS NULL)')} AS "claimedMs",
            ${age('min(cleared_at)')} AS "settlingMs",
            min(last_error) AS error
     FROM uncached.journal GROUP BY handler ORDER BY handler`,
  );
  return rows;
}

function age(time: string): string {
  return `extract(epoch FROM clock_timestamp() - ${time})::float8 * 1000`;
}
