import type { IdRange, TransactionSnapshot } from '../core/consumer-contract.ts';
import type { Pool } from './pool.ts';
import { everySession } from './session-name.ts';

/**
 * Other sessions' transactions, by virtualxid: one that skipped an insert because "it is queued already" may
 * have no transaction id. pg_locks joined to pg_stat_activity shows them to an unprivileged role. Left out are
 * the sessions of daemons, which change no data, and processes of the server itself: autovacuum changes none
 * and skips no insert, and may take hours for a large table.
 *
 * `at` is never before a claim in the range, even if the server's clock was set back in between: otherwise the
 * range would never settle.
 */
export async function snapshot(
  { pool }: { pool: Pool },
  { after, upTo }: IdRange,
): Promise<TransactionSnapshot> {
  const { rows } = await pool.query<Omit<TransactionSnapshot, 'prepared'> & { mayPrepare: boolean }>({
    name: 'uncached_look',
    text: `
      SELECT (greatest(clock_timestamp(), (SELECT max(claimed_at) FROM uncached.log WHERE id > $1 AND id <= $2))
              AT TIME ZONE 'UTC')::text || '+00' AS at,
             ARRAY(SELECT l.virtualtransaction
                   FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                   WHERE l.locktype = 'virtualxid' AND l.granted AND l.pid <> pg_backend_pid()
                     AND a.datname = current_database() AND a.usesysid IS NOT NULL
                     AND (a.application_name NOT LIKE ${everySession} OR a.usesysid IS DISTINCT FROM (SELECT oid FROM pg_roles WHERE rolname = session_user))) AS virtual,
             to_regclass('uncached.barrier') IS NOT NULL AS awaited,
             current_setting('max_prepared_transactions')::int > 0 AS "mayPrepare"`,
    values: [after, upTo],
  });
  const [seen] = rows;
  if (!seen) throw new Error('the statement returned nothing');
  const { mayPrepare, ...looked } = seen;
  return { ...looked, prepared: mayPrepare ? await listPrepared(pool) : [] };
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
