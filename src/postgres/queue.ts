import type { QueryConfig } from 'pg';
import type { Backlog, Claim, Queue } from '../core/contracts.ts';
import { errorCode } from '../core/errors.ts';
import { withAdvice } from './advice.ts';
import { quoteIdentifier } from './identifier.ts';
import { type Json, jsonOf, rowsOf } from './json.ts';
import type { Pool } from './pool.ts';
import { findQueueTable, type QueueTable, queueProblems } from './queue-table.ts';

/** The queue table of one handler. It is looked up at the first use, and again after it was found changed. */
export function openQueue(
  pool: Pool,
  given: { handler: string; queue: string; columns: readonly string[]; user: string; owner: string },
): Queue {
  const { handler, queue, columns, user, owner } = given;
  let known: ReturnType<typeof lookUp> | undefined;

  async function lookUp() {
    const table = await findQueueTable(pool, queue);
    const problems = queueProblems(queue, table, columns, user);
    if (!table) throw new Error(problems.join('; '));
    const json = await jsonOf(pool);
    return {
      table,
      problems,
      json,
      statement: { name: nextStatementName(), text: claimStatement(table, columns, json) },
    };
  }

  async function attempt<T>(
    what: string,
    use: (found: Awaited<ReturnType<typeof lookUp>>) => Promise<T>,
  ): Promise<T> {
    try {
      known ??= lookUp();
      return await use(await known);
    } catch (error) {
      known = undefined;
      throw withAdvice(`Cannot ${what} ${queue}`, error);
    }
  }

  return {
    claim: (limit, after) =>
      attempt('claim from', ({ table, problems, json, statement }) => {
        if (problems.length > 0) throw new Error(problems.join('; '));
        const values = [handler, limit, owner, ...(table.hasId ? [after ?? minimumId] : [])];
        return claim(pool, handler, json, { ...statement, values });
      }),
    // Whoever only watches may have SELECT and nothing else.
    backlog: () => attempt('count the backlog of', ({ table }) => backlog(pool, table)),
  };
}

/** Below every bigint that a sequence gives. */
const minimumId = '-9223372036854775808';

let statements = 0;

/** A prepared name must never stand for two texts on one connection, so none is used twice. */
function nextStatementName(): string {
  statements += 1;
  return `uncached_claim_${statements}`;
}

/**
 * One statement, one round trip, its own transaction: the entries leave the queue table, and their distinct keys stand in the
 * journal, or neither. Producers never wait for the deletion of files.
 *
 * It begins beyond the last id claimed, since a claim from the start would walk the dead entries of earlier claims again
 * until vacuum: 10^6 rows by 100 took 56 s so, 19.6 s with the cursor.
 *
 * Rows that a producer holds locked are skipped, not waited for; `remains` tells that there were some, for if that producer
 * rolls back, no notification will come for them.
 *
 * Without the right to lock (SELECT and DELETE only, as FreshPorts grants) DELETE itself waits for producers and may be chosen
 * as a deadlock's victim: the caller tries again.
 */
function claimStatement(table: QueueTable, columns: readonly string[], json: Json): string {
  const keys = columns.map((column, index) => ({
    name: column,
    value: `${quoteIdentifier(column)}::text AS k${index}`,
  }));
  const order = table.hasId ? 'ORDER BY id' : table.hasAge ? 'ORDER BY date_added' : '';
  // The cast: without it $4 would have the type of id, and the least bigint is out of range for a serial (FreshPorts' tables have those).
  const beyond = table.hasId ? 'WHERE id > $4::bigint' : '';
  const id = table.hasId ? 'id' : 'NULL::bigint AS id';
  const returning = [id, ...keys.map(({ value }) => value), `${table.age} AS age`].join(', ');
  const groups = keys.length > 0 ? `GROUP BY ${keys.map((_, index) => `k${index}`).join(', ')}` : '';
  const rows = `(SELECT json_build_object('ids', json_agg(id), 'keys', json_agg(key)) FROM claimed)`;
  const key = keys.map(({ name }, index) => `'${name.replaceAll("'", "''")}', k${index}`).join(', ');
  return `
    WITH taken AS (
      DELETE FROM ${table.name} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${table.name} ${beyond} ${order} LIMIT $2 ${table.mayLock ? 'FOR UPDATE SKIP LOCKED' : ''}))
      RETURNING ${returning}
    ), claimed AS (
      INSERT INTO uncached.journal (handler, key, enqueued_at, owner)
      SELECT $1::text, jsonb_build_object(${key}), min(age), $3::text FROM taken ${groups} HAVING count(*) > 0
      RETURNING id, key
    )
    SELECT (SELECT count(*)::int FROM taken) AS entries,
           (SELECT max(id)::text FROM taken) AS last,
           (SELECT extract(epoch FROM clock_timestamp() - min(age))::float8 * 1000 FROM taken) AS "lagMs",
           ${json.send(rows)} AS rows,
           CASE WHEN (SELECT count(*) FROM taken) < $2
                THEN (SELECT count(*) FROM (SELECT FROM ${table.name} ${beyond} LIMIT $2) AS seen) > (SELECT count(*) FROM taken)
                ELSE false END AS remains`;
}

async function claim(pool: Pool, handler: string, json: Json, statement: QueryConfig): Promise<Claim> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { rows } = await pool.query<Omit<Claim, 'rows'> & { rows: unknown }>(statement);
      const [claimed] = rows;
      if (!claimed) throw new Error('Cannot claim: the statement returned nothing');
      return { ...claimed, rows: rowsOf(handler, json.read(claimed.rows)) };
    } catch (error) {
      if (!tryAgain.includes(errorCode(error) ?? '') || attempt === maxAttempts) throw error;
    }
  }
}

/** Deadlock, and serialization failure where that is the default isolation: the statement left no trace. */
const tryAgain = ['40P01', '40001'];
const maxAttempts = 5;

async function backlog(pool: Pool, table: QueueTable): Promise<Backlog> {
  const { rows } = await pool.query<Backlog>(
    `SELECT count(*)::int AS entries, extract(epoch FROM clock_timestamp() - min(${table.age}))::float8 * 1000 AS "lagMs"
     FROM ${table.name}`,
  );
  return rows[0] ?? { entries: 0, lagMs: null };
}
