import type { Client } from 'pg';
import type { ConsumerLog } from '../../src/core/consumer-contract.ts';
import { type ConsumerLogOptions, openConsumerLog } from '../../src/postgres/consumer-log.ts';
import type { Pool } from '../../src/postgres/pool.ts';

/** A cache that follows the log: by default that of the daemon `me`, for the handler `h`. */
export function consumerOf(pool: Pool, given: Partial<ConsumerLogOptions> = {}): ConsumerLog {
  return openConsumerLog({
    pool,
    id: 'root',
    kind: 'files',
    name: 'files',
    node: 'web1',
    place: '/cache',
    owner: 'me',
    version: '1',
    handlers: ['h'],
    behind: [],
    leaseMs: 60_000,
    startsEmpty: false,
    canBeWiped: true,
    ...given,
  });
}

/** Appends rows with the keys {"slug": 1}, {"slug": 2} … to the log, as if they had been claimed. */
export async function append(client: Client, count = 1, handler = 'h'): Promise<void> {
  await client.query(
    `INSERT INTO uncached.log (handler, key) SELECT $1, jsonb_build_object('slug', i::text) FROM generate_series(1, $2::int) AS i`,
    [handler, count],
  );
}
