import { type Client, DatabaseError } from 'pg';
import { unsettled } from '../postgres/unsettled.ts';

const queues = ['ports', 'dates', 'commits', 'files'].map((what) => `cache_clearing_${what}`);

/**
 * The demo's own record of changes. Each statement leaves a row in `changed` with the time of its commit.
 * Until its transaction ends nobody else can lock that table. A session that has locked it therefore knows
 * that nobody is changing anything.
 */
export const recordSql = `
  CREATE TABLE changed (
    n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, session integer DEFAULT pg_backend_pid(), at timestamptz);
  CREATE FUNCTION record_change() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO public.changed DEFAULT VALUES; RETURN NULL; END';
  CREATE FUNCTION record_commit() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN UPDATE public.changed SET at = clock_timestamp() WHERE n = NEW.n; RETURN NULL; END';
  CREATE CONSTRAINT TRIGGER record_commit AFTER INSERT ON changed
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION record_commit();
  ${['ports', 'commits'].map((table) => recording(table, 'INSERT OR UPDATE OR DELETE OR TRUNCATE')).join('')}
  ${queues.map((queue) => recording(queue, 'INSERT')).join('')}`;

function recording(table: string, events: string): string {
  return `CREATE TRIGGER record_change AFTER ${events} ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION record_change();\n`;
}

/** What the demo or visitors committed since the last calm: in how many sessions, and when last. */
export interface Committed {
  readonly own: boolean;
  readonly sessions: number;
  readonly at: Date;
}

/**
 * Calls `use` if all is calm: every change has been cleared and settled, and nobody changes anything before
 * `use` has returned. Otherwise resolves with who prevents the calm.
 */
export async function ifCalm(
  client: Client,
  use: (committed: readonly Committed[], how: { failing: boolean }) => void,
): Promise<'calm' | 'visitors' | 'daemon'> {
  await client.query('BEGIN');
  try {
    // NOWAIT, because a session that waits for a lock makes others wait behind it.
    await client.query('LOCK TABLE changed IN SHARE MODE NOWAIT');
    const { rows } = await client.query<Record<'unsettled' | 'visitors' | 'failing', boolean>>(state);
    const [now] = rows;
    if (now?.unsettled) return now.visitors ? 'visitors' : 'daemon';
    use((await client.query<Committed>(takeCommitted)).rows, { failing: now?.failing === true });
    return 'calm';
  } catch (error) {
    if (isLocked(error)) return 'visitors';
    throw error;
  } finally {
    await client.query('COMMIT');
  }
}

/** A visitor's key that can name no page, such as `a/b`, is kept. The calm does not wait for it. */
const state = `
  SELECT EXISTS (SELECT FROM ${unsettled} WHERE last_error IS NULL)
         OR EXISTS (SELECT FROM uncached.failing WHERE cohort IS NOT NULL)
         ${queues.map((queue) => `OR EXISTS (SELECT FROM ${queue})`).join(' ')} AS unsettled,
         EXISTS (SELECT FROM changed WHERE session <> pg_backend_pid())
         OR EXISTS (SELECT FROM pg_stat_activity
                    WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()
                      AND backend_type = 'client backend' AND application_name NOT LIKE 'uncached %') AS visitors,
         EXISTS (SELECT FROM uncached.failing) AS failing`;

const takeCommitted = `
  WITH taken AS (DELETE FROM changed RETURNING session, at)
  SELECT session = pg_backend_pid() AS own, count(DISTINCT session)::integer AS sessions, max(at) AS at
  FROM taken GROUP BY 1`;

/** Whether another session holds the lock. */
export function isLocked(error: unknown): boolean {
  return error instanceof DatabaseError && error.code === '55P03';
}
