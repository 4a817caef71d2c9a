import type { Holding, Wanted } from '../core/holding.ts';
import { advised } from './advice.ts';
import { elapsedMs } from './elapsed-time.ts';
import type { Pool } from './pool.ts';

/** The functions of sql/barrier.sql. One function for each statement. */

export async function barrierInstalled(pool: Pool): Promise<boolean> {
  const { rows } = await pool.query<{ installed: boolean }>({
    name: 'uncached_barrier',
    text: `SELECT to_regclass('uncached.barrier') IS NOT NULL AS installed`,
  });
  return rows[0]?.installed ?? false;
}

const failingFor = `$3::float8 * interval '1 millisecond'`;

/** What holds announcements; undefined where the barrier is not installed. */
export const listHolding = advised(
  'ask what holds announcements',
  async (pool: Pool, wanted: Wanted = { level: 'settled' }): Promise<Holding[] | undefined> => {
    if (!(await barrierInstalled(pool))) return undefined;
    const { rows } = await pool.query<Holding>(
      `SELECT kind, handler, consumer, xid::text AS xid, ${elapsedMs('since')} AS "heldMs", detail
       FROM uncached.holding($1, $2, ${failingFor}) AS holding
       ORDER BY holding.xid, kind, handler, consumer`,
      values(wanted),
    );
    return rows;
  },
);

/** Rejects if there has been no such transaction. */
export async function isCleared(pool: Pool, xid: string, wanted: Wanted): Promise<boolean> {
  const { rows } = await pool.query<{ cleared: boolean }>(
    `SELECT uncached.is_cleared($4::xid8, $1, $2, ${failingFor}) AS cleared, pg_xact_status($4::xid8)`,
    [...values(wanted), xid],
  );
  return rows[0]?.cleared ?? false;
}

function values({ level, handlers, failingForMs }: Wanted): unknown[] {
  return [level, handlers ?? null, failingForMs ?? null];
}
