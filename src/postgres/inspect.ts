import { quoteIdentifier } from './identifier.ts';
import type { Pool } from './pool.ts';
import { findQueueTable, queueProblems } from './queue-table.ts';

const install = 'install it: uncached schema | psql';

/** What is wrong with the daemon's own table, with listen_for and with the server. Rejects if there is no connection. */
export async function inspectSchema(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{
    user: string;
    standby: boolean;
    /** null: there is no such schema. */
    usage: boolean | null;
    journal: string | null;
    channels: string | null;
  }>(
    `SELECT current_user AS user, pg_is_in_recovery() AS standby,
            (SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'uncached') AS usage,
            (SELECT oid::text FROM pg_class
             WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = 'uncached') AND relname = 'journal') AS journal,
            to_regclass('listen_for')::oid::text AS channels`,
  );
  const [found] = rows;
  if (!found) return [];
  const { user, standby, usage, journal, channels } = found;
  return [
    ...(standby
      ? [
          'this server is a standby, where LISTEN and writing are impossible: name the primary under [database], or promote it',
        ]
      : []),
    ...(usage === false
      ? [
          `schema uncached: role ${user} lacks USAGE: GRANT USAGE ON SCHEMA uncached TO ${quoteIdentifier(user)}`,
        ]
      : []),
    ...(journal
      ? await missingRights(pool, {
          oid: journal,
          name: 'uncached.journal',
          user,
          rights: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
        })
      : [`table uncached.journal does not exist: ${install}`]),
    ...(channels
      ? await missingRights(pool, { oid: channels, name: 'listen_for', user, rights: ['SELECT'] })
      : [`table listen_for does not exist: ${install}`]),
  ];
}

async function missingRights(
  pool: Pool,
  { oid, name, user, rights }: { oid: string; name: string; user: string; rights: readonly string[] },
): Promise<string[]> {
  const { rows } = await pool.query<{ right: string }>(
    'SELECT wanted AS "right" FROM unnest($2::text[]) AS wanted WHERE NOT has_table_privilege($1::oid, wanted)',
    [oid, rights],
  );
  if (rows.length === 0) return [];
  const missing = rows.map(({ right }) => right).join(', ');
  return [`${name}: role ${user} lacks ${missing}: GRANT ${missing} ON ${name} TO ${quoteIdentifier(user)}`];
}

/** What is wrong with a handler's queue table. */
export async function inspectQueue(
  pool: Pool,
  queue: string,
  columns: readonly string[],
  user: string,
): Promise<string[]> {
  return queueProblems(queue, await findQueueTable(pool, queue), columns, user);
}
