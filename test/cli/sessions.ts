import type { Client } from 'pg';
import { eventually } from '../faults/eventually.ts';

/**
 * Resolves when no daemon and no command has a session in the client's database. The server may end sessions
 * a while after their process. Until then the process counts as alive and keeps its locks.
 */
export function sessionsEnded(client: Client): Promise<true> {
  const left = async () => {
    const { rows } = await client.query<{ name: string }>(
      `SELECT application_name AS name FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'uncached%'`,
    );
    return rows.map(({ name }) => name);
  };
  return eventually(
    'the end of all sessions',
    async () => (await left()).length === 0 || undefined,
    async () => (await left()).join(', '),
  );
}

/**
 * SQL for pg_locks: the locks of this database. Databases that were copied from one template have the same
 * oids in them.
 */
export const here = 'database = (SELECT oid FROM pg_database WHERE datname = current_database())';

/**
 * SQL that ends when somebody waits for a lock of the table. The server itself runs what comes after it: a
 * session gives up a lock after some seconds, and this process may be slow.
 */
export const untilAwaited = (table: string) => `
  DO $$ BEGIN
    FOR seen IN 1..10000 LOOP
      EXIT WHEN EXISTS (
        SELECT FROM pg_locks WHERE NOT granted AND ${here} AND relation = '${table}'::regclass);
      IF seen = 10000 THEN RAISE 'nobody waits for ${table}'; END IF;
      PERFORM pg_sleep(0.01);
    END LOOP;
  END $$;`;
