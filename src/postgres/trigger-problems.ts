import { enqueueFunction, relationName } from './enqueue-function.ts';
import { listNames } from './name-list.ts';
import type { Pool } from './pool.ts';
import { refusingTriggers } from './refusing-triggers.ts';

/**
 * What the triggers that call uncached.enqueue() do not see, as far as the catalog shows; each with what to
 * do about it. doc/recipes.md has the rest ("What triggers do not see"). Triggers that the site wrote itself:
 * custom-triggers.ts.
 */
export async function triggerProblems(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ attached: boolean }>(
    `SELECT EXISTS (SELECT FROM pg_trigger WHERE tgfoid = ${enqueueFunction}) AS attached`,
  );
  if (!rows[0]?.attached) return [];
  return [
    ...(await refusingTriggers(pool)),
    ...(await switchedOff(pool)),
    ...(await uncoveredChildren(pool)),
    ...(await unreplicated(pool)),
    ...(await quietSessions(pool)),
  ];
}

/** tgenabled: D is disabled; R fires only where session_replication_role is replica. */
async function switchedOff(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ table: string; trigger: string; enabled: 'D' | 'R' }>(
    `SELECT ${relationName('tgrelid')} AS "table", quote_ident(tgname) AS trigger, tgenabled AS enabled
     FROM pg_trigger WHERE tgfoid = ${enqueueFunction} AND tgenabled IN ('D', 'R') ORDER BY 1, 2`,
  );
  return rows.map(
    ({ table, trigger, enabled }) =>
      `trigger ${trigger} on ${table} ${enabled === 'D' ? 'is disabled' : 'fires for replicated changes only'}: ` +
      `changes are not seen: ALTER TABLE ${table} ENABLE TRIGGER ${trigger}`,
  );
}

/**
 * Partitions and tables that inherit. PostgreSQL gives triggers FOR EACH ROW to partitions; those FOR EACH
 * STATEMENT fire for statements that name their own table, and tables that inherit get none at all.
 */
async function uncoveredChildren(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ table: string; children: string[]; partitioned: boolean }>(
    `WITH RECURSIVE below AS (
       SELECT DISTINCT tgrelid AS root, tgrelid AS child FROM pg_trigger WHERE tgfoid = ${enqueueFunction} AND tgparentid = 0
       UNION
       SELECT root, inhrelid FROM below JOIN pg_inherits ON inhparent = child
     )
     SELECT ${relationName('root')} AS "table", array_agg(${relationName('child')} ORDER BY ${relationName('child')}) AS children,
            (SELECT relkind = 'p' FROM pg_class WHERE oid = root) AS partitioned
     FROM below
     WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = child AND tgfoid = ${enqueueFunction})
     GROUP BY root ORDER BY 1`,
  );
  return rows.map(
    ({ table, children, partitioned }) =>
      `${listNames(children)}: ${partitioned ? `a change that names the partition itself` : 'a change of its rows'} is not seen, as the ` +
      `triggers of ${table} ${partitioned ? 'are FOR EACH STATEMENT: make them FOR EACH ROW, or attach' : 'are not inherited: attach'} ` +
      'uncached.enqueue to each as well',
  );
}

/**
 * Logical replication's apply worker is a replica: ENABLE TRIGGER is not enough for it, and it runs no
 * statements.
 */
async function unreplicated(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ table: string; trigger: string; row: boolean }>(
    `WITH RECURSIVE replicated AS (
       SELECT srrelid AS relation FROM pg_subscription_rel
       UNION
       SELECT inhrelid FROM replicated JOIN pg_inherits ON inhparent = relation
     )
     SELECT ${relationName('tgrelid')} AS "table", quote_ident(tgname) AS trigger, tgtype & 1 = 1 AS "row"
     FROM pg_trigger
     WHERE tgfoid = ${enqueueFunction} AND tgrelid IN (SELECT relation FROM replicated) AND (tgenabled <> 'A' OR tgtype & 1 = 0)
     ORDER BY 1, 2`,
  );
  return rows.map(
    ({ table, trigger, row }) =>
      `trigger ${trigger} on ${table} does not fire for the changes that a subscription brings: ` +
      (row
        ? `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${trigger}`
        : 'logical replication fires none that is FOR EACH STATEMENT: attach one FOR EACH ROW, and ENABLE ALWAYS it'),
  );
}

async function quietSessions(pool: Pool): Promise<string[]> {
  const settings = await settingsOf(pool, 'session_replication_role', ['replica']);
  return settings.map(
    ({ whose, reset }) =>
      `session_replication_role is replica for ${whose}: changes made there fire no triggers and are not seen: ${reset}, ` +
      'or ENABLE ALWAYS the triggers',
  );
}

/** A limit, and often intended: it is acceptable if the cache is cleared after a crash. */
export async function commitNotices(pool: Pool): Promise<string[]> {
  const settings = await settingsOf(pool, 'synchronous_commit', ['off', 'false', 'no', '0']);
  return settings.map(
    ({ whose, reset }) =>
      `synchronous_commit is off for ${whose}: a crash of PostgreSQL can lose a change whose page is cached already, and no entry tells: ` +
      `${reset}, or clear everything by hand after a crash`,
  );
}

/** Where `setting` has one of `values`: for a role, for this database, or for both together. */
async function settingsOf(
  pool: Pool,
  setting: string,
  values: readonly string[],
): Promise<{ whose: string; reset: string }[]> {
  const { rows } = await pool.query<{ role: string | null; database: string | null }>(
    `SELECT quote_ident(r.rolname) AS role, quote_ident(d.datname) AS database
     FROM pg_db_role_setting AS s
     LEFT JOIN pg_roles AS r ON r.oid = s.setrole
     LEFT JOIN pg_database AS d ON d.oid = s.setdatabase
     WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
       AND s.setconfig && (SELECT array_agg($1 || '=' || value) FROM unnest($2::text[]) AS value)
     ORDER BY 1, 2`,
    [setting, values],
  );
  return rows.map(({ role, database }) =>
    role === null
      ? { whose: `database ${database}`, reset: `ALTER DATABASE ${database} RESET ${setting}` }
      : {
          whose: `role ${role}${database === null ? '' : ` in database ${database}`}`,
          reset: `ALTER ROLE ${role}${database === null ? '' : ` IN DATABASE ${database}`} RESET ${setting}`,
        },
  );
}
