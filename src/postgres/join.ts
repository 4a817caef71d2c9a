import type { ConsumerState, Joined } from '../core/consumer-contract.ts';
import type { ConsumerLogOptions } from './consumer-log.ts';
import { newestId, newestRow } from './newest-id.ts';
import type { Pool } from './pool.ts';
import { sessionsOf } from './session-name.ts';

/**
 * SQL. A daemon is alive while it has a session. Any session can set any application_name: only those count whose role
 * may have a consumer.
 */
export const isAlive = (owner: string) => `
  EXISTS (SELECT FROM pg_stat_activity AS session
          WHERE session.datname = current_database() AND session.application_name IN ${sessionsOf(owner)}
            AND has_table_privilege(session.usesysid, 'uncached.consumer', 'UPDATE'))`;

/**
 * A daemon that died has no session: its consumer is taken over at once. One that hangs, or was frozen, has not
 * reported for long; a report of the future is from before the server's clock was set back.
 */
const isFree = (owner: string, leaseMs: string) => `
  (consumer.owner IS NULL OR consumer.owner = ${owner} OR NOT ${isAlive('consumer.owner')}
   OR consumer.seen_at NOT BETWEEN clock_timestamp() - ${leaseMs} * interval '1 millisecond'
                               AND clock_timestamp() + ${leaseMs} * interval '1 millisecond')`;

/**
 * Its rows have been given to others: somebody has emptied the log with RESTART IDENTITY, or restored an older one.
 * It would not see the new ones.
 */
const isAhead = (newest: string) => `greatest(consumer.settled_to, consumer.cleared_to) > ${newest}`;

/** All that its daemon has claimed is there: the log is not kept for who is not registered, and is trimmed from its beginning. */
const isUntrimmed = (from: string) =>
  `(${from}::bigint IS NULL OR EXISTS (SELECT FROM uncached.log WHERE id = ${from}))`;

/**
 * Two daemons that work on one cache at the same time do no harm. The first consumer of a database in which
 * nothing was ever claimed has missed nothing; nor has it if the daemon itself has claimed everything from the first
 * row on, while it did not know its root yet, and nothing of that was trimmed.
 */
export async function join(
  {
    pool,
    id,
    kind,
    name,
    node,
    place,
    handlers,
    owner,
    version,
    leaseMs,
    startsEmpty,
    canBeWiped,
  }: ConsumerLogOptions,
  { wiping, from }: { wiping: boolean; from?: number },
): Promise<Joined | undefined> {
  // One that stands by asks every few seconds.
  const { rows: known } = await pool.query<{ state: ConsumerState | 'new'; free: boolean }>(
    `SELECT CASE WHEN ${isAhead(newestId)} THEN 'new' ELSE state END AS state, ${isFree('$2', '$3')} AS free
     FROM uncached.consumer AS consumer WHERE id = $1`,
    [id, owner, leaseMs],
  );
  const [before = { state: 'new', free: true }] = known;
  if (!before.free) return undefined;
  // Before it is registered: if its daemon dies in between, it begins again.
  if (known[0]?.state === 'new') await giveUpFailing(pool, { id, canBeWiped });
  const begins = `CASE WHEN $8 OR consumer.state <> 'live' OR ${isAhead(newestId)} THEN`;
  const skips = `CASE WHEN consumer.state = 'expired' OR ${isAhead(newestId)} OR $13 AND ($8 OR consumer.state <> 'live') THEN`;
  const { rows } = await pool.query<Joined & { state: 'wiping' | 'live' }>(
    `INSERT INTO uncached.consumer AS consumer (id, kind, name, node, place, state, settled_to, cleared_to, owner, version, handlers)
     SELECT $1, $2, $3, $4, $5, CASE WHEN NOT $8 AND ${isUntrimmed('$12')} AND ($9 OR (${newestId} = 0 OR $12 = 1) AND NOT EXISTS (SELECT FROM uncached.consumer)) THEN 'live' ELSE 'wiping' END,
            newest, newest, $6, $7, $11
     FROM (SELECT least(${newestRow}, $12::bigint - 1) AS newest) AS log
     ON CONFLICT (id) DO UPDATE
     SET kind = excluded.kind, name = excluded.name, node = excluded.node, place = excluded.place, owner = excluded.owner,
         version = excluded.version, handlers = excluded.handlers, seen_at = clock_timestamp(), problem = NULL,
         state = ${begins} 'wiping' ELSE 'live' END,
         settled_to = ${skips} excluded.settled_to ELSE consumer.settled_to END,
         cleared_to = ${skips} excluded.settled_to ELSE consumer.cleared_to END
     WHERE ${isFree('excluded.owner', '$10')}
     RETURNING state, settled_to::float8 AS "settledTo", cleared_to::float8 AS "clearedTo"`,
    [id, kind, name, node, place, owner, version, wiping, startsEmpty, leaseMs, handlers, from, canBeWiped],
  );
  const [joined] = rows;
  if (!joined || joined.state === 'live') return joined;
  return { ...joined, state: before.state === 'live' ? 'wiping' : before.state };
}

/** Rows of one statement; there may be a million. */
const mostGivenUp = 5_000;

/**
 * Deletes the failing rows of one that is ahead: the log gives their ids to other rows, which would be taken for them. The
 * wipe clears what they name. Where nothing empties the cache only those go that were cleared as far as their key allows.
 * Each statement looks whether it is ahead still: another daemon may have registered it meanwhile.
 */
async function giveUpFailing(
  pool: Pool,
  { id, canBeWiped }: Pick<ConsumerLogOptions, 'id' | 'canBeWiped'>,
): Promise<void> {
  for (let after: number | null = 0; after !== null; ) {
    const { rows }: { rows: { last: number | null }[] } = await pool.query(
      `WITH part AS MATERIALIZED (
         SELECT id FROM uncached.failing WHERE consumer = $1 AND id > $2 AND (invalid OR $3)
           AND EXISTS (SELECT FROM uncached.consumer AS consumer WHERE consumer.id = $1 AND ${isAhead(newestId)})
         ORDER BY id LIMIT ${mostGivenUp}
       ), given_up AS (
         DELETE FROM uncached.failing WHERE consumer = $1 AND id = ANY (ARRAY(SELECT id FROM part))
       )
       SELECT max(id)::float8 AS last FROM part`,
      [id, after, canBeWiped],
    );
    after = rows[0]?.last ?? null;
  }
}
