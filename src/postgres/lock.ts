import pg from 'pg';
import { asRole, withAdvice } from './advice.ts';
import { sessionNameFor } from './session-name.ts';

/** A lock of the database that one session at a time holds; it ends with the session, however that ends. */
export interface Lock {
  /** Who holds it instead, as text; absent: we hold it. */
  readonly heldBy?: string;
  release(): Promise<void>;
}

/** "unca": advisory locks have numbers as names, and others may use them, too. */
const ours = 0x75_6e_63_61;

/** Commands of which only one at a time may run on a database. */
const numbers = { drain: 1 };

/**
 * Takes the lock on a connection of its own, which stays open: an advisory lock belongs to a session. Never
 * waits for another holder. Through a pooler in transaction mode the lock would belong to a shared session,
 * but there LISTEN fails, too.
 */
export async function tryLock(config: pg.ClientConfig, what: keyof typeof numbers): Promise<Lock> {
  const client = new pg.Client({ ...config, application_name: sessionNameFor(what, config) });
  // A session that breaks has lost its lock; later statements fail for the same reason.
  client.on('error', () => {});
  const release = async () => void client.end().catch(() => {});
  try {
    await client.connect();
    await client.query('SET search_path = pg_catalog, pg_temp; SET idle_session_timeout = 0');
    const { rows } = await client.query<{ held: boolean }>('SELECT pg_try_advisory_lock($1, $2) AS held', [
      ours,
      numbers[what],
    ]);
    if (rows[0]?.held) return { release };
    const heldBy = await holder(client, numbers[what]);
    if (heldBy === undefined) return { release };
    await release();
    return { heldBy, release };
  } catch (error) {
    await release();
    throw withAdvice('Cannot take the lock that one command at a time has', asRole(error, config.user));
  }
}

/** Undefined for a role that could not do the work: any role may take the lock and keep it for ever. */
async function holder(client: pg.Client, number: number): Promise<string | undefined> {
  const { rows } = await client.query<{ pid: number; role: string; since: string | null; able: boolean }>(
    `SELECT pid, usename::text AS role, to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS since,
            coalesce(has_table_privilege(usesysid, to_regclass('uncached.log'), 'DELETE'), true) AS able
     FROM pg_locks JOIN pg_stat_activity USING (pid)
     WHERE locktype = 'advisory' AND granted AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND classid = $1 AND objid = $2 AND objsubid = 2`,
    [ours, number],
  );
  const [one] = rows;
  if (!one) return 'a session that has just ended';
  if (!one.able) return undefined;
  // The start of another role's session is hidden.
  const since = one.since === null ? '' : ` since ${one.since} UTC,`;
  return `role ${one.role},${since} process ${one.pid} of the server`;
}
