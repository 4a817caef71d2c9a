import type { TakenOver } from '../core/contracts.ts';
import type { Pool } from './pool.ts';
import { isInvalid } from './retries.ts';
import { sessionsOf } from './session-name.ts';

/** Rows in one statement: all of them may have to be updated, which takes a part of statement_timeout. */
const most = 10_000;

/**
 * A daemon is alive while it has a session of our own role, and of no other: any session can set any
 * application_name.
 */
export const ourRole = '(SELECT oid FROM pg_roles WHERE rolname = session_user)';

/**
 * A daemon is alive while it has a session that did something within the lease; its heartbeat ensures that.
 * One that died has none: its rows are taken at once. One that was frozen (SIGSTOP) has silent ones. Daemons
 * of other roles look dead: their rows are then cleared twice, which does no harm.
 *
 * Rows of handlers that this daemon does not have are left to one that has them. Invalid rows, which are
 * cleared twice, keep their owner: nothing waits for it.
 */
export async function takeOver(
  { pool, owner, leaseMs }: { pool: Pool; owner: string; leaseMs: number },
  { handlers, after, upTo }: { handlers: readonly string[]; after: number; upTo: number },
): Promise<TakenOver> {
  const { rows } = await pool.query<TakenOver>({
    name: 'uncached_take_over',
    text: `
      WITH looked AS MATERIALIZED (
        SELECT id, handler, coalesce(owner, '') AS owner, ${isInvalid} AS invalid FROM uncached.journal
        WHERE id > $3 AND id <= $4 ORDER BY id LIMIT ${most}
      ), alive AS MATERIALIZED (
        SELECT application_name AS name FROM pg_stat_activity
        WHERE datname = current_database() AND usesysid = ${ourRole}
          AND state_change > clock_timestamp() - $2 * interval '1 millisecond'
      ), dead AS MATERIALIZED (
        SELECT owner FROM (SELECT DISTINCT owner FROM looked WHERE owner <> $1) AS others
        WHERE NOT EXISTS (SELECT FROM alive WHERE name IN ${sessionsOf('owner')})
      ), inherited AS MATERIALIZED (
        SELECT id, handler FROM looked JOIN dead USING (owner)
      ), taken AS (
        UPDATE uncached.journal SET owner = $1, cleared_at = CASE WHEN ${isInvalid} THEN cleared_at END
        WHERE id = ANY (ARRAY(
          SELECT id FROM uncached.journal
          WHERE id = ANY (ARRAY(SELECT id FROM inherited WHERE handler = ANY ($5)))
            AND coalesce(owner, '') = ANY (ARRAY(SELECT owner FROM dead))
          FOR UPDATE SKIP LOCKED))
        RETURNING 1
      )
      SELECT (SELECT count(*)::int FROM taken) AS taken,
             (SELECT count(*)::int FROM looked WHERE owner <> $1 AND handler = ANY ($5) AND (NOT invalid OR owner IN (SELECT owner FROM dead)))
               - (SELECT count(*)::int FROM taken) AS others,
             (SELECT coalesce(json_object_agg(handler, rows), '{}') FROM (
               SELECT handler, count(*)::int AS rows FROM inherited WHERE handler <> ALL ($5) GROUP BY handler) AS strange) AS orphans,
             CASE WHEN (SELECT count(*) FROM looked) < ${most} THEN $4::float8
                  ELSE (SELECT max(id)::float8 FROM looked) END AS "upTo"`,
    values: [owner, leaseMs, after, upTo, handlers],
  });
  const [row] = rows;
  if (!row) throw new Error('the statement returned nothing');
  return row;
}
