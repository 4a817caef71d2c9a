import { AdvisedError } from './advice.ts';
import type { Pool } from './pool.ts';

/** A table that the operator named. */
export interface Relation {
  readonly oid: string;
  readonly schema: string;
  /** Qualified and quoted. */
  readonly name: string;
  /** pg_class.relkind: `r` is a table, `p` a partitioned one. */
  readonly kind: string;
  /** Whether the role may use its schema. */
  readonly usage: boolean;
  /** Row-level security applies to the role, so that every statement on it is refused (session.ts). */
  readonly hidden: boolean;
}

/** The schema in which a name was found first: a table that is made later in another schema is not ours. */
const schemas = new WeakMap<Pool, Map<string, string>>();

/**
 * Finds `table` once through the search_path of the role or the database; `schema.table` only in that schema.
 * Temporary tables are ignored. Undefined if there is none.
 */
export async function findRelation(pool: Pool, name: string): Promise<Relation | undefined> {
  const [table = '', schema, ...more] = name.split('.').reverse();
  if (more.length > 0) return undefined;
  const known = schemas.get(pool) ?? new Map<string, string>();
  schemas.set(pool, known);
  const before = schema ?? known.get(name);
  const found = await search(pool, table, before);
  // It was dropped, and may exist again elsewhere.
  const relation =
    found ?? (schema === undefined && before !== undefined ? await search(pool, table) : undefined);
  if (relation) known.set(name, relation.schema);
  return relation;
}

/** The same for a name in parts, each of which may contain dots. */
export function findNamed(
  pool: Pool,
  { schema, name }: { schema?: string; name: string },
): Promise<Relation | undefined> {
  return search(pool, name, schema);
}

/** The schemas of the role's search_path (session.ts). Null: the setting of this session is gone. */
export const rememberedPath = `nullif(current_setting('uncached.search_path', true), '')::name[]`;

/** The same for many names at once; earlier results are not used. */
export async function findRelations(pool: Pool, names: readonly string[]): Promise<(Relation | undefined)[]> {
  const wanted = names.map((name) => name.split('.').reverse());
  const { rows } = await pool.query<Relation & { place: number }>(
    `SELECT wanted.place::int, found.*
     FROM unnest($1::name[], $2::name[]) WITH ORDINALITY AS wanted (name, schema, place)
          CROSS JOIN LATERAL (${lookUp('wanted.name', 'wanted.schema')}) AS found`,
    // No table has a name of three parts.
    [
      wanted.map(([table, , more]) => (more === undefined ? table : null)),
      wanted.map(([, schema]) => schema ?? null),
    ],
  );
  const found = new Map(rows.map(({ place, ...relation }) => [place, relation]));
  return names.map((_name, at) => found.get(at + 1));
}

async function search(pool: Pool, table: string, schema?: string): Promise<Relation | undefined> {
  const { rows } = await pool.query<Relation>(lookUp('$1::name', '$2::name'), [table, schema ?? null]);
  return rows[0];
}

/** SQL for the table of this name: in this schema, or if that is NULL in the first schema that has one. */
const lookUp = (name: string, schema: string) => `
  SELECT c.oid::text AS oid, n.nspname AS schema, format('%I.%I', n.nspname, c.relname) AS name, c.relkind AS kind,
         has_schema_privilege(n.oid, 'USAGE') AS usage, row_security_active(c.oid) AS hidden
  FROM unnest(CASE WHEN ${schema} IS NULL THEN ${rememberedPath} ELSE ARRAY[${schema}] END)
       WITH ORDINALITY AS path (schema, place)
       JOIN pg_namespace n ON n.nspname = path.schema
       JOIN pg_class c ON c.relnamespace = n.oid
  WHERE c.relname = ${name} AND n.nspname NOT LIKE 'pg\\_temp\\_%'
  ORDER BY path.place LIMIT 1`;

/** Says that a table was not found, why, and what to do about it. */
export async function missing(
  pool: Pool,
  name: string,
  { what = 'table', remedy }: { what?: string; remedy: string },
): Promise<AdvisedError> {
  const { rows } = await pool.query<Found>(
    `SELECT quote_ident(current_user) AS user,
            ARRAY(SELECT quote_ident(schema) FROM unnest(${rememberedPath}) AS schema) AS path, ${rememberedPath} IS NULL AS lost,
            ARRAY(SELECT json_build_object(
                    'schema', quote_ident(n.nspname), 'usage', has_schema_privilege(n.oid, 'USAGE'),
                    'searched', n.nspname = ANY (string_to_array(regexp_replace(
                      (SELECT reset_val FROM pg_settings WHERE name = 'search_path'), '[" ]', '', 'g'), ',')))
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE c.relname = $1::name AND c.relkind IN ('r', 'p', 'v') AND n.nspname NOT LIKE 'pg\\_temp\\_%'
                  ORDER BY n.nspname) AS elsewhere`,
    [name],
  );
  const { user = '', path = [], lost, elsewhere = [] } = rows[0] ?? {};
  // A statement before did not see what this one sees: it ran in another session of a pooler.
  if (lost || elsewhere.some(({ schema }) => path.includes(schema)))
    return new AdvisedError(
      'what a session sets is gone at its next statement: this is a pooler in transaction or statement mode; connect to PostgreSQL itself or to a pooler in session mode',
      'EPOOLER',
    );
  const where = path.length > 0 ? '' : `: the search_path of role ${user} has no schema that it may use`;
  const [there] = elsewhere;
  if (!there) return new AdvisedError(`${what} ${name} does not exist${where}: ${remedy}`, '42P01');
  const { schema, usage, searched } = there;
  const grant = usage ? [] : [`GRANT USAGE ON SCHEMA ${schema} TO ${user}`];
  const search = searched ? [] : [`ALTER ROLE ${user} SET search_path = ${[...path, schema].join(', ')}`];
  const again = 'a daemon that runs sees it after a restart';
  const found = !searched
    ? `${what} ${name} does not exist${where}: there is one in schema ${schema}`
    : `${what} ${name} is in schema ${schema}, which role ${user} ${usage ? 'may use since a moment ago' : 'may not use'}`;
  return new AdvisedError(`${found}: ${[...grant, ...search, again].join('; ')}`, '42P01');
}

interface Found {
  readonly user: string;
  readonly path: string[];
  readonly lost: boolean;
  /** Schemas that have a table of this name. */
  readonly elsewhere: { readonly schema: string; readonly usage: boolean; readonly searched: boolean }[];
}
