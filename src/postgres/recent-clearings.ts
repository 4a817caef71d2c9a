import type { Key } from '../core/contracts.ts';
import type { Clearing } from '../core/daemon-status.ts';
import { jsonOf, withKeys } from './json.ts';
import { shownKey } from './log-key.ts';
import type { Pool } from './pool.ts';

/** Rows that are read: a large batch hides earlier ones. */
const mostRead = 1_000;

/** Rows of one handler that were claimed within this time of each other count as one batch. */
const togetherMs = 100;

const shownKeys = 3;

interface ClaimedRow {
  readonly id: number;
  readonly handler: string;
  readonly key: Key;
  /** Milliseconds since 1970, by the server's clock. */
  readonly claimedAt: number;
  readonly lagMs: number | null;
}

/**
 * The last batches that every cache has cleared, the newest first, as the log has them: how many files and entries
 * there were it does not know.
 */
export async function recentClearings(pool: Pool, limit: number): Promise<Clearing[]> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<ClaimedRow>(
    `SELECT id::float8 AS id, handler, ${json.send(shownKey)} AS key,
            extract(epoch FROM claimed_at)::float8 * 1000 AS "claimedAt",
            CASE WHEN enqueued_at BETWEEN '1900-01-01' AND claimed_at THEN extract(epoch FROM claimed_at - enqueued_at)::float8 * 1000 END AS "lagMs"
     FROM uncached.log
     WHERE id <= (SELECT min(cleared_to) FROM uncached.consumer WHERE state <> 'expired') ORDER BY log.id DESC LIMIT ${mostRead}`,
  );
  const batches: ClaimedRow[][] = [];
  for (const row of await withKeys(rows, json)) {
    const before = batches.at(-1)?.at(-1);
    if (before && before.handler === row.handler && before.claimedAt - row.claimedAt < togetherMs)
      batches.at(-1)?.push(row);
    else if (batches.length === limit) break;
    else batches.push([row]);
  }
  return batches.map((batch, at) => toClearing(batch, batches.length - at));
}

function toClearing(batch: readonly ClaimedRow[], id: number): Clearing {
  const [newest] = batch;
  const lags = batch.flatMap(({ lagMs }) => lagMs ?? []);
  const longest = lags.reduce((most, lagMs) => Math.max(most, lagMs), 0);
  return {
    id,
    at: newest?.claimedAt ?? 0,
    handler: newest?.handler ?? '',
    entries: batch.length,
    keys: batch.length,
    examples: batch
      .slice(-shownKeys)
      .toReversed()
      .map(({ key }) => key),
    failedKeys: 0,
    files: null,
    lagMs: lags.length > 0 ? longest : null,
  };
}
