import type { Pool } from './pool.ts';

/** More are not searched for what somebody may have meant. */
const most = 10_000;

/** The tables of the site. */
export async function tableNames(pool: Pool): Promise<{ name: string; shown: string }[]> {
  const { rows } = await pool.query<{ name: string; shown: string }>(
    `SELECT c.relname AS name, format('%I.%I', n.nspname, c.relname) AS shown
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p') AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'uncached')
     ORDER BY 2 LIMIT ${most}`,
  );
  return rows;
}

/** Those of the roles, null being PUBLIC, that may not use the schema. Undefined if there is none of that name. */
export async function rolesWithoutUsage(
  pool: Pool,
  schema: string,
  roles: readonly (string | null)[],
): Promise<(string | null)[] | undefined> {
  const { rows } = await pool.query<{ roles: (string | null)[] }>(
    `SELECT ARRAY(SELECT role FROM unnest($2::name[]) AS role
                  WHERE NOT has_schema_privilege(coalesce(role, 'public'), n.oid, 'USAGE'))::text[] AS roles
     FROM pg_namespace AS n WHERE n.nspname = $1::name`,
    [schema, roles],
  );
  return rows[0]?.roles;
}

export async function roleNames(pool: Pool): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>('SELECT rolname AS name FROM pg_roles ORDER BY 1');
  return rows.map(({ name }) => name);
}
