import type { Client } from 'pg';

/**
 * SQL for a FROM clause: the rows that some consumer of their handler has not settled yet, and those that fail or have
 * an invalid key. A row that everybody has settled stays in uncached.log for `keep`.
 */
export const unsettled = `(
  SELECT id, handler, key, enqueued_at, claimed_at, NULL AS last_error, 0 AS attempts, false AS invalid FROM uncached.log
  WHERE (NOT EXISTS (SELECT FROM uncached.consumer WHERE state <> 'expired')
         OR EXISTS (SELECT FROM uncached.consumer
                    WHERE state <> 'expired' AND settled_to < log.id AND (handlers IS NULL OR log.handler = ANY (handlers))))
    AND NOT EXISTS (SELECT FROM uncached.failing WHERE failing.id = log.id)
  UNION ALL
  SELECT id, handler, key, enqueued_at, claimed_at, last_error, attempts, invalid FROM uncached.failing
) AS unsettled`;

/** As if no daemon had ever worked on this database: the next root that comes has missed nothing. */
export async function forgetClearings(client: Client): Promise<void> {
  await client.query(
    'TRUNCATE uncached.log, uncached.consumer, uncached.failing, uncached.root, uncached.daemon RESTART IDENTITY',
  );
}

interface MadeUpRow {
  readonly handler: string;
  readonly key?: object;
  readonly error: string;
  readonly attempts?: number;
  /** It is kept, and not retried. */
  readonly invalid?: boolean;
}

/** A row that the only cache could not clear; its retry is due in an hour. Its id is one that the log never reaches. */
export async function addFailing(client: Client, row: MadeUpRow): Promise<void> {
  const { handler, key = {}, error, attempts = 1, invalid = false } = row;
  await client.query(
    `INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, attempts, invalid, retry_at)
     SELECT id, (SELECT coalesce(max(id), 1000000000) + 1 FROM uncached.failing), $1, $2, clock_timestamp(), $3, $4, $5,
            CASE WHEN NOT $5 THEN clock_timestamp() + interval '1 hour' END
     FROM uncached.consumer`,
    [handler, JSON.stringify(key), error, attempts, invalid],
  );
}
