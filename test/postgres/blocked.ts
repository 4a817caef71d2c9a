import type { Client } from 'pg';
import { eventually } from '../faults/eventually.ts';

/** Resolves when so many sessions of this database wait for a lock. */
export async function untilBlocked(client: Client, sessions = 1, role?: string): Promise<void> {
  const ask = async () => {
    const { rows } = await client.query(
      `SELECT FROM pg_stat_activity
       WHERE datname = current_database() AND wait_event_type = 'Lock' AND usename = coalesce($1, usename)`,
      [role ?? null],
    );
    return rows.length >= sessions || undefined;
  };
  await eventually(`${sessions} blocked`, ask, async () => 'nobody waits');
}
