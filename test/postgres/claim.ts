import type { Queue } from '../../src/core/contracts.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { patient } from './patient.ts';
import type { TestDatabase } from './test-database.ts';

/** Calls `use` with a queue of the table `q`, and with its pool. */
export async function withQueue<T>(
  database: TestDatabase,
  columns: readonly string[],
  use: (queue: Queue, pool: Pool) => Promise<T>,
): Promise<T> {
  const pool = openPool(openHosts([database.config], patient));
  try {
    const given = { handler: 'h', queue: 'q', columns, user: 'postgres', owner: 'test' };
    return await use(openQueue(pool, given), pool);
  } finally {
    await pool.end();
  }
}

/** Claims as a drain does. Returns the keys of all entries. */
export async function claimAll(queue: Queue, limit: number) {
  const claims: { entries: number; keys: (string | null)[] }[] = [];
  for (let after: string | null = null; ; ) {
    const { entries, rows, last, cut = false } = await queue.claim(limit, after);
    if (entries > 0) claims.push({ entries, keys: rows.flatMap(({ key }) => Object.values(key)) });
    const short = entries < limit && !cut;
    if (short && after === null) return claims;
    after = short ? null : last;
  }
}
