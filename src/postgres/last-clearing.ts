import type { LogRow } from '../core/contracts.ts';
import { withAdvice } from './advice.ts';
import { clearsFor } from './consumer-table.ts';
import { elapsedMs } from './elapsed-time.ts';
import { jsonOf, withKeys } from './json.ts';
import { logKey } from './log-key.ts';
import type { Pool } from './pool.ts';

/** The newest row of the log that a question is about, and which caches have done with it. */
export interface LastClearing extends LogRow {
  readonly claimedMs: number;
  /** Since its oldest entry was made. */
  readonly enqueuedMs: number | null;
  readonly consumers: readonly ClearedBy[];
}

interface ClearedBy {
  readonly kind: string;
  readonly name: string;
  readonly node: string | null;
  readonly place: string | null;
  readonly cleared: boolean;
  readonly settled: boolean;
  /** Why it could not clear it. */
  readonly error: string | null;
}

/** Rows of one statement. */
const mostRead = 1_000;

/** Of the rows that the log still has, which are those of the last hour (`keep`), the newest that is asked for. */
export async function lastClearing(
  pool: Pool,
  handler: string,
  asked: (row: LogRow) => boolean,
): Promise<LastClearing | undefined> {
  try {
    const json = await jsonOf(pool);
    for (let before = endless; ; ) {
      const { rows } = await pool.query<LogRow>(
        `SELECT id::float8 AS id, handler, ${json.send(logKey)} AS key FROM uncached.log
         WHERE id < $1 AND handler = $2 ORDER BY log.id DESC LIMIT ${mostRead}`,
        [before, handler],
      );
      const part = await withKeys(rows, json);
      const found = part.find(asked);
      if (found) return await withConsumers(pool, found);
      if (part.length < mostRead) return undefined;
      before = part.at(-1)?.id ?? 0;
    }
  } catch (error) {
    throw withAdvice('Cannot read the log', error);
  }
}

const endless = 9_007_199_254_740_991;

async function withConsumers(pool: Pool, row: LogRow): Promise<LastClearing | undefined> {
  const { rows } = await pool.query<Omit<LastClearing, keyof LogRow>>(
    `SELECT ${elapsedMs('claimed_at')} AS "claimedMs", ${elapsedMs('enqueued_at')} AS "enqueuedMs",
            (SELECT coalesce(json_agg(json_build_object(
                      'kind', kind, 'name', consumer.name, 'node', node, 'place', place, 'cleared', cleared_to >= log.id,
                      'settled', settled_to >= log.id, 'error', last_error) ORDER BY node, consumer.id), '[]')
             FROM uncached.consumer AS consumer
               LEFT JOIN uncached.failing AS failing ON failing.consumer = consumer.id AND failing.id = log.id
             WHERE state <> 'expired' AND ${clearsFor('log.handler')}) AS consumers
     FROM uncached.log AS log WHERE log.id = $1`,
    [row.id],
  );
  return rows[0] && { ...row, ...rows[0] };
}
