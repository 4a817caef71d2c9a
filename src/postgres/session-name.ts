/**
 * The application_name of our sessions, "uncached OWNER", followed by a word for a session that does only one
 * thing. Statements search for it in pg_stat_activity: a daemon is alive while it has such a session. The
 * comments in sql/ name it, too.
 */
const program = 'uncached';
const listener = 'listener';

/** A command that only reads has no owner. */
export function sessionName(owner?: string): string {
  return owner === undefined ? program : `${program} ${owner}`;
}

export function sessionNameFor(word: 'drain' | typeof listener, { application_name }: SessionConfig): string {
  return `${application_name} ${word}`;
}

interface SessionConfig {
  readonly application_name?: string | undefined;
}

/** SQL for the name of the sessions that work. `owner` is SQL, too. */
const workingSessionOf = (owner: string) => `'${program} ' || ${owner}`;

/** SQL for the name of the session of a daemon that listens. `owner` is SQL, too. */
export const listenerOf = (owner: string) => `${workingSessionOf(owner)} || ' ${listener}'`;

/** SQL for the names of the sessions that a daemon has while it is alive, for IN. `owner` is SQL, too. */
export const sessionsOf = (owner: string) => `(${workingSessionOf(owner)}, ${listenerOf(owner)})`;

/** SQL for LIKE: the sessions of every owner. */
export const everySession = `'${program} %'`;

/**
 * SQL: the names of sessions, as this server shows them to every role. Any role may use such a name. So only those
 * sessions count whose role may write the log, if it exists, or the reports, and those of the role that
 * asks. A daemon counts even if it lacks rights.
 */
export const daemonSessions = `
  SELECT DISTINCT application_name AS name FROM pg_stat_activity
  WHERE datname = current_database() AND application_name LIKE ${everySession}
    AND (usename = current_user OR coalesce(has_table_privilege(usesysid, to_regclass('uncached.log'), 'INSERT, DELETE'), true)
      OR has_table_privilege(usesysid, to_regclass('uncached.daemon'), 'INSERT'))`;

/** SQL for a regular expression: the listeners of daemons. The group is the owner. */
export const everyListener = `'^${program} ([0-9a-f]{16}) ${listener}$'`;
