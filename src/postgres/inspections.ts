import { AdvisedError, hiddenRows } from './advice.ts';
import { quoteIdentifier, showIdentifier } from './identifier.ts';
import { installHint } from './install-hint.ts';
import type { Pool } from './pool.ts';
import { findQueueTable, type QueueTable, queueProblems } from './queue-table.ts';
import { findRelation, findRelations, missing, type Relation, rememberedPath } from './relation.ts';

/** What is wrong with the server and with the daemon's own tables. Rejects if there is no connection. */
export async function inspectSchema(pool: Pool, user: string, install: string): Promise<string[]> {
  return [
    ...(await inspectServer(pool)),
    ...(await inspectLog(pool, user, install)),
    ...(await inspectListenFor(pool, user)),
  ];
}

/** What is wrong with the server. Rejects if there is no connection. */
export async function inspectServer(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
  return rows[0]?.standby
    ? [
        'this server is a standby, where LISTEN and writing are impossible: name the primary under [database], or promote it',
      ]
    : [];
}

/**
 * What is wrong with the log and those who follow it. `install`: the command that prints the SQL to create it in a database of
 * this kind.
 */
export async function inspectLog(pool: Pool, user: string, install: string): Promise<string[]> {
  const problems = await inspectOwn(pool, 'uncached.log', user, install, ['SELECT', 'INSERT', 'DELETE']);
  if (!(await findRelation(pool, 'uncached.log'))) return problems;
  return [
    ...problems,
    ...(await inspectSequence(pool, user)),
    ...(await inspectOwn(pool, 'uncached.log_lock', user, install, ['SELECT', 'UPDATE'])),
    ...(await inspectOwn(pool, 'uncached.consumer', user, install)),
    ...(await inspectOwn(pool, 'uncached.failing', user, install)),
  ];
}

/** That of the ids: its last one tells whether a cursor can be right. */
async function inspectSequence(pool: Pool, user: string): Promise<string[]> {
  const sequence = await findRelation(pool, 'uncached.log_id_seq');
  if (!sequence) return [];
  const { rows } = await pool.query<{ may: boolean }>(
    `SELECT has_sequence_privilege($1::oid, 'SELECT') AS may`,
    [sequence.oid],
  );
  if (rows[0]?.may) return [];
  return [
    `uncached.log_id_seq: role ${user} lacks SELECT: GRANT SELECT ON SEQUENCE ${sequence.name} TO ${quoteIdentifier(user)}`,
  ];
}

/**
 * What is wrong with the tables that the daemon can do without: a problem with them would be noticed late or
 * never.
 */
export async function inspectMemory(pool: Pool, user: string, install: string): Promise<string[]> {
  // Then nothing is installed, which is reported separately.
  if (!(await findRelation(pool, 'uncached.log'))) return [];
  return [
    ...(await inspectOwn(pool, 'uncached.root', user, install)),
    ...(await inspectOwn(pool, 'uncached.daemon', user, install)),
  ];
}

const every = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'];

async function inspectOwn(
  pool: Pool,
  name: string,
  user: string,
  install: string,
  rights: readonly string[] = every,
): Promise<string[]> {
  const table = await findRelation(pool, name);
  if (!table) return [`table ${name} does not exist: ${await installHint(pool, install)}`];
  return missingRights(pool, table, { name, user, rights });
}

/** What is wrong with `listen_for`. */
export async function inspectListenFor(pool: Pool, user: string): Promise<string[]> {
  const table = await findRelation(pool, 'listen_for');
  if (!table) return [(await missing(pool, 'listen_for', { remedy: await installHint(pool) })).message];
  return missingRights(pool, table, { name: 'listen_for', user, rights: ['SELECT'] });
}

async function missingRights(
  pool: Pool,
  table: Relation,
  { name, user, rights }: { name: string; user: string; rights: readonly string[] },
): Promise<string[]> {
  const { rows } = await pool.query<{ right: string }>(
    'SELECT wanted AS "right" FROM unnest($2::text[]) AS wanted WHERE NOT has_table_privilege($1::oid, wanted)',
    [table.oid, rights],
  );
  const missing = rows.map(({ right }) => right).join(', ');
  const role = quoteIdentifier(user);
  const schema = showIdentifier(table.schema);
  return [
    ...(table.usage
      ? []
      : [`schema ${table.schema}: role ${user} lacks USAGE: GRANT USAGE ON SCHEMA ${schema} TO ${role}`]),
    ...(table.hidden ? [`${name}: ${hiddenRows(table.name, role)}`] : []),
    ...(missing
      ? [`${name}: role ${user} lacks ${missing}: GRANT ${missing} ON ${table.name} TO ${role}`]
      : []),
  ];
}

/** What is wrong with a handler's queue table. */
export async function inspectQueue(
  pool: Pool,
  queue: string,
  columns: readonly string[],
  user: string,
): Promise<string[]> {
  try {
    return queueProblems(queue, await findQueueTable(pool, queue), columns, user);
  } catch (error) {
    if (error instanceof AdvisedError) return [error.message];
    throw error;
  }
}

/** What makes a handler's queue table worse than necessary. `zones`: otherZones(). */
export function orderNotices(queue: string, table: QueueTable, zones: readonly string[]): string[] {
  const unordered = table.columns.includes('id') && !table.byId;
  return [
    ...(unordered
      ? [
          `queue table ${queue} has no index that begins with id, so that entries are claimed in the order in which they lie, not the oldest first: CREATE INDEX ON ${table.name} (id)`,
        ]
      : []),
    ...(table.zoneless ? zones : []).map(
      (zone) =>
        `queue table ${queue}: date_added is a timestamp without time zone, which the daemon takes for its own, and ${zone}: the lag of entries written there is unknown or wrong by hours: ALTER TABLE ${table.name} ALTER date_added TYPE timestamptz`,
    ),
  ];
}

/** In which this session, and any other of the daemon's, shows a timestamptz. */
export async function sessionZone(pool: Pool): Promise<string | undefined> {
  const { rows } = await pool.query<{ zone: string }>(`SELECT current_setting('TimeZone') AS zone`);
  return rows[0]?.zone;
}

/** Roles and databases that have a TimeZone other than this session's. */
export async function otherZones(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ who: string; zone: string }>(
    `SELECT CASE setrole WHEN 0 THEN 'the database' ELSE 'role ' || quote_ident(pg_get_userbyid(setrole)) END AS who,
            split_part(setting, '=', 2) AS zone
     FROM pg_db_role_setting, unnest(setconfig) AS setting
     WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       AND setting ILIKE 'timezone=%' AND split_part(setting, '=', 2) <> current_setting('TimeZone')
     ORDER BY 1`,
  );
  return rows.map(({ who, zone }) => `${who} has the TimeZone ${zone}`);
}

/**
 * Schemas in which other roles than their owner may create objects: those that the role searches, and those
 * of these tables. Objects made there never run in our sessions (session.ts). But a table could be mistaken
 * for one of ours that does not exist yet, and other roles that trust the schema run what is in it.
 */
export async function inspectSchemas(pool: Pool, tables: readonly string[]): Promise<string[]> {
  const relations = await findRelations(pool, tables);
  const { rows } = await pool.query<{ schema: string; creators: string }>(
    `SELECT quote_ident(n.nspname) AS schema,
            string_agg(CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, ', ' ORDER BY grantee) AS creators
     FROM pg_namespace n, aclexplode(n.nspacl) AS acl
     WHERE acl.privilege_type = 'CREATE' AND acl.grantee <> n.nspowner
       AND (n.nspname = ANY ($1::name[]) OR n.nspname = ANY (${rememberedPath}))
       AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = acl.grantee AND (r.rolsuper OR r.rolname = current_user))
     GROUP BY n.nspname ORDER BY n.nspname`,
    [relations.flatMap((relation) => relation?.schema ?? [])],
  );
  return rows.map(
    ({ schema, creators }) =>
      `schema ${schema}: ${creators} may create functions and tables there, which others may run or read without knowing: REVOKE CREATE ON SCHEMA ${schema} FROM ${creators}`,
  );
}
