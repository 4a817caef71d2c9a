import type { Pool } from './pool.ts';
import { findRelations } from './relation.ts';

/**
 * Tables whose owners do not control the database: a role that may create in a schema of the search_path can
 * have made a queue table there before the installation. The owner's triggers, rules and views run with our
 * rights.
 */
export async function inspectOwners(pool: Pool, tables: readonly string[]): Promise<string[]> {
  const relations = await findRelations(pool, tables);
  const { rows } = await pool.query<{ table: string; owner: string; role: string; trusted: string }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS "table", quote_ident(r.rolname) AS owner, quote_ident(current_user) AS role,
            (SELECT quote_ident(pg_get_userbyid(datdba)) FROM pg_database WHERE datname = current_database()) AS trusted
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
     WHERE c.oid = ANY ($1::oid[]) AND NOT r.rolsuper AND r.rolname <> current_user AND r.oid <> n.nspowner
       AND r.oid <> ALL (ARRAY(SELECT datdba FROM pg_database WHERE datname = current_database()))
       AND r.oid <> ALL (ARRAY(SELECT nspowner FROM pg_namespace WHERE nspname = 'uncached'))
     ORDER BY 1`,
    [relations.flatMap((relation) => relation?.oid ?? [])],
  );
  return rows.map(
    ({ table, owner, role, trusted }) =>
      `table ${table} belongs to role ${owner}, whose triggers and rules on it run with the rights of role ${role}: if ${owner} is not trusted with these, look at its triggers, and ALTER TABLE ${table} OWNER TO ${trusted}`,
  );
}
