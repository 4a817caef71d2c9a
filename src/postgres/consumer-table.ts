import type { LastSeen, SeenConsumer } from '../core/consumer-contract.ts';
import { maxCounted } from '../core/contracts.ts';
import { advised } from './advice.ts';
import { elapsedMs } from './elapsed-time.ts';
import { drop } from './failing-rows.ts';
import { isAlive } from './join.ts';
import { newestId } from './newest-id.ts';
import type { Pool } from './pool.ts';
import { daemonSessions, listenerOf, sessionsOf } from './session-name.ts';

/** `uncached.consumer`: every cache that follows the log, for who looks at all of them. */

/**
 * SQL for the ids of those that no question is about: the expired ones, and, if a daemon has any, those of others.
 * `owner` is SQL; NULL stands for no daemon.
 */
export const ignoredConsumers = (owner: string) => `
  SELECT id FROM uncached.consumer
  WHERE state = 'expired'
     OR owner IS DISTINCT FROM ${owner} AND EXISTS (SELECT FROM uncached.consumer WHERE owner = ${owner})`;

/** SQL that is true for a consumer that clears for a handler, as far as that is known. `handler` is SQL. */
export const clearsFor = (handler: string) =>
  `(consumer.handlers IS NULL OR ${handler} = ANY (consumer.handlers))`;

/**
 * SQL of a query: for each handler, up to which row every consumer that clears for it has settled and cleared, without
 * those that `ignored` selects. Where no consumer clears for it, and without a handler: every consumer. If there is
 * none, nothing waits: a cache that is registered later is wiped. A cache that is behind says nothing of the rows of
 * other handlers, which its cursors only pass over.
 */
export const cursorsByHandler = (ignored: string) => `
  WITH counting AS MATERIALIZED (
    SELECT handlers, settled_to, cleared_to FROM uncached.consumer WHERE id NOT IN (${ignored})
  ), overall AS (
    SELECT coalesce(min(settled_to), newest, 0) AS settled_to, coalesce(min(cleared_to), newest, 0) AS cleared_to
    FROM (SELECT max(id) AS newest FROM uncached.log) AS log LEFT JOIN counting ON true GROUP BY newest
  )
  SELECT NULL AS handler, settled_to, cleared_to FROM overall
  UNION ALL
  SELECT handler, min(consumer.settled_to), min(consumer.cleared_to)
  FROM (SELECT DISTINCT unnest(handlers) AS handler FROM counting) AS named JOIN counting AS consumer ON ${clearsFor('named.handler')}
  GROUP BY handler`;

/**
 * The whole fleet, by node. The log is read once for all of them: its rows are counted between each two cursors. Of
 * more rows than are counted, the oldest and the newest ones are.
 */
export async function listConsumers(pool: Pool): Promise<SeenConsumer[]> {
  const part = (condition: string) => `
    SELECT id, handler, coalesce(enqueued_at, claimed_at) AS since FROM uncached.log WHERE ${condition} LIMIT ${maxCounted}`;
  const behind = (cursor: string) => `
    SELECT coalesce(sum(rows), 0)::int AS rows, ${elapsedMs('min(since)')} AS "lagMs" FROM counted
    WHERE place >= array_position((SELECT places FROM cursors), ${cursor}) AND ${clearsFor('counted.handler')}`;
  const { rows } = await pool.query<SeenConsumer>(
    `WITH sessions AS MATERIALIZED (
       ${daemonSessions}
     ), cursors AS MATERIALIZED (
       SELECT array_agg(place ORDER BY place) AS places
       FROM (SELECT settled_to AS place FROM uncached.consumer UNION SELECT cleared_to FROM uncached.consumer) AS each
     ), oldest AS MATERIALIZED (
       ${part('id > (SELECT places[1] FROM cursors) ORDER BY log.id')}
     ), newest AS MATERIALIZED (
       ${part(`(SELECT count(*) FROM oldest) = ${maxCounted} AND id > (SELECT max(id) FROM oldest) ORDER BY log.id DESC`)}
     ), counted AS MATERIALIZED (
       SELECT handler, width_bucket(id - 1, (SELECT places FROM cursors)) AS place, count(*) AS rows, min(since) AS since
       FROM (TABLE oldest UNION ALL TABLE newest) AS log GROUP BY 1, 2
     )
     SELECT consumer.id, kind, consumer.name, node, place, state, problem, version, ${elapsedMs('seen_at')} AS "seenMs", owner,
            EXISTS (SELECT FROM sessions WHERE sessions.name IN ${sessionsOf('consumer.owner')}) AS connected,
            uncleared.rows AS behind, uncleared."lagMs", unsettled.rows AS unsettled, failing.rows AS failing
     FROM uncached.consumer AS consumer
       CROSS JOIN LATERAL (${behind('cleared_to')}) AS uncleared
       CROSS JOIN LATERAL (${behind('settled_to')}) AS unsettled
       CROSS JOIN LATERAL (
         SELECT count(*)::int AS rows
         FROM (SELECT FROM uncached.failing WHERE failing.consumer = consumer.id AND NOT invalid LIMIT ${maxCounted}) AS first) AS failing
     ORDER BY node, kind = 'files' DESC, kind, consumer.name, consumer.id`,
  );
  return rows;
}

/**
 * What a daemon reports of its own consumers. `lost`: those that have expired, that another daemon has, or that
 * have cleared what the log has never had (join.ts). `first`: the daemon that claims at once; every daemon finds the same one.
 * One that listens goes before those that poll: they never hear of what has no queue, and the others leave it to the first.
 */
export const reportSeen = advised(
  'write to uncached.consumer',
  async (
    pool: Pool,
    { owner, leaseMs }: { owner: string; leaseMs: number },
    seen: readonly { id: string; clearedTo: number | null; problem: string | null }[],
  ): Promise<{ lost: string[]; first: string | null }> => {
    const { rows } = await pool.query<{ lost: string[]; first: string | null }>({
      name: 'uncached_seen',
      text: `
      WITH seen AS MATERIALIZED (
        SELECT * FROM unnest($2::text[], $3::bigint[], $4::text[]) AS seen (id, cleared_to, problem)
      ), kept AS (
        UPDATE uncached.consumer AS consumer
        SET seen_at = clock_timestamp(), problem = seen.problem, cleared_to = greatest(consumer.cleared_to, seen.cleared_to)
        FROM seen WHERE consumer.id = seen.id AND consumer.owner = $1 AND consumer.state <> 'expired'
          AND coalesce(seen.cleared_to, 0) <= ${newestId}
        RETURNING consumer.id
      ), sessions AS MATERIALIZED (
        ${daemonSessions}
      )
      SELECT ARRAY(SELECT id FROM seen WHERE id NOT IN (SELECT id FROM kept)) AS lost,
             (SELECT consumer.owner FROM uncached.consumer AS consumer
              WHERE consumer.owner IS NOT NULL AND state <> 'expired'
                AND (consumer.owner = $1 OR seen_at BETWEEN clock_timestamp() - $5 * interval '1 millisecond'
                                                        AND clock_timestamp() + $5 * interval '1 millisecond')
              ORDER BY ${listenerOf('consumer.owner')} IN (SELECT name FROM sessions) DESC, id LIMIT 1) AS first`,
      values: [
        owner,
        seen.map(({ id }) => id),
        seen.map(({ clearedTo }) => clearedTo),
        seen.map(({ problem }) => problem),
        leaseMs,
      ],
    });
    const [found] = rows;
    if (!found) throw new Error('the statement returned nothing');
    return found;
  },
);

export async function lastSeen(pool: Pool): Promise<LastSeen[]> {
  const { rows } = await pool.query<LastSeen>(
    `SELECT id, seen_at::text AS "seenAt" FROM uncached.consumer WHERE state <> 'expired'`,
  );
  return rows;
}

/** A consumer that has expired holds up nobody. */
export async function expire(pool: Pool, away: readonly LastSeen[]): Promise<void> {
  if (away.length === 0) return;
  await pool.query(
    `UPDATE uncached.consumer AS consumer SET state = 'expired', problem = NULL
     FROM unnest($1::text[], $2::text[]) AS away (id, seen_at)
     WHERE consumer.id = away.id AND consumer.seen_at::text = away.seen_at AND state <> 'expired'`,
    [away.map(({ id }) => id), away.map(({ seenAt }) => seenAt)],
  );
}

/** They may be taken over at once. */
export const releaseConsumers = advised(
  'write to uncached.consumer',
  async (pool: Pool, owner: string): Promise<void> => {
    await pool.query('UPDATE uncached.consumer SET owner = NULL WHERE owner = $1', [owner]);
  },
);

/** Forgets consumers of a daemon, and if `ofRoot` those that belong to a root, except these. */
export const forgetOthers = advised(
  'delete from uncached.consumer',
  async (
    pool: Pool,
    { owner, root, ids, ofRoot }: { owner: string; root: string; ids: readonly string[]; ofRoot: boolean },
  ): Promise<void> => {
    const { rows } = await pool.query<{ id: string }>(
      `SELECT id FROM uncached.consumer
     WHERE id <> ALL ($1) AND (owner = $2 OR $3 AND starts_with(id, $4 || ' '))`,
      [ids, owner, ofRoot, root],
    );
    for (const { id } of rows) await forgetConsumer(pool, id);
  },
);

/**
 * Forgets what followed the log for a root that is no more: another one is in its place. Not if a daemon has it, or it
 * was registered elsewhere: a root may be moved.
 */
export async function forgetFormerRoot(
  pool: Pool,
  { id, machine, path }: { id: string; machine: string; path: string },
): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT consumer.id FROM uncached.consumer AS consumer
     WHERE (id = $1 OR starts_with(id, $1 || ' ')) AND (owner IS NULL OR NOT ${isAlive('owner')})
       AND NOT EXISTS (SELECT FROM uncached.root AS root WHERE root.id = $1 AND (root.machine, root.path) <> ($2, $3))`,
    [id, machine, path],
  );
  for (const one of rows) await forgetConsumer(pool, one.id);
}

/**
 * Forgets those of this root whose daemon died before it had written a marker: their ids are in none, and nobody
 * returns as them. Of daemons that start together on a new root each has an id at first.
 */
export async function forgetUnmarked(
  pool: Pool,
  { id, node, place }: { id: string; node: string; place: string },
): Promise<void> {
  const { rows } = await pool.query<{ id: string }>(
    `SELECT consumer.id FROM uncached.consumer AS consumer
     WHERE id <> $1 AND NOT starts_with(id, $1 || ' ') AND node = $2
       AND (place = $3 OR EXISTS (
         SELECT FROM uncached.consumer AS front WHERE starts_with(consumer.id, front.id || ' ') AND front.place = $3))
       AND NOT EXISTS (SELECT FROM uncached.root AS root WHERE root.id = split_part(consumer.id, ' ', 1))
       AND (owner IS NULL OR NOT ${isAlive('owner')})`,
    [id, node, place],
  );
  for (const one of rows) await forgetConsumer(pool, one.id);
}

/** Returns whether there was one. The log is no longer kept for it; should it return, it is wiped. */
export async function forgetConsumer(pool: Pool, id: string): Promise<boolean> {
  const { rowCount } = await pool.query('DELETE FROM uncached.consumer WHERE id = $1', [id]);
  await drop(pool, { consumer: id });
  return rowCount === 1;
}
