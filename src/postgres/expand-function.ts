import type { Call } from '../core/configuration.ts';
import { formatCall } from '../core/configuration.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Expand } from '../core/target-cache.ts';
import { quoteIdentifier, showIdentifier } from './identifier.ts';
import type { Column } from './key-text.ts';
import type { Pool } from './pool.ts';
import { queueColumns } from './queue-columns.ts';
import { findRelation, rememberedPath } from './relation.ts';

/** The function of an `expand`. */
export interface ExpandFunction {
  /** Qualified and quoted. */
  readonly name: string;
  /** With the types of its arguments, as ALTER FUNCTION takes it. */
  readonly signature: string;
  readonly schema: string;
  /** May use the schema, and may execute it. */
  readonly usage: boolean;
  readonly execute: boolean;
  readonly isVolatile: boolean;
  readonly asOwner: boolean;
  /** Names in its body do not depend on who calls it. */
  readonly hasSearchPath: boolean;
  /** The types of the arguments that are given; null for one that takes any. */
  readonly types: readonly (string | null)[];
  /** What it returns; none: its columns have no names. */
  readonly columns: readonly Column[];
}

/**
 * Finds the function of this name that takes as many arguments: in its schema, or in the first of the role's search_path
 * that has one. Otherwise says why not.
 */
export async function findExpandFunction(
  pool: Pool,
  call: Call,
): Promise<ExpandFunction | { readonly problem: string }> {
  const [name = '', schema = null] = call.name.split('.').reverse();
  const given = call.columns.length;
  const { rows } = await pool.query<ExpandFunction & { place: number; least: number; most: number }>(found, [
    name,
    schema,
    given,
  ]);
  const fitting = rows.filter(({ least, most }) => least <= given && given <= most);
  const [first, ...others] = fitting.filter(({ place }) => place === fitting[0]?.place);
  if (!first) {
    const [other] = rows;
    if (!other) return { problem: `there is no such function${await elsewhere(pool, name, schema)}` };
    return { problem: `${other.signature} does not take ${given} arguments` };
  }
  if (others.length > 0) {
    const all = [first, ...others].map(({ signature }) => signature).join(' and ');
    return { problem: `${all} both fit: give the function a name of its own` };
  }
  return first;
}

/** Of a domain, the base type. The last of its arguments may have defaults. */
const found = `
  WITH RECURSIVE path AS (
    SELECT * FROM unnest(CASE WHEN $2::name IS NULL THEN ${rememberedPath} ELSE ARRAY[$2::name] END) WITH ORDINALITY AS path (schema, place)
  ), functions AS (
    SELECT p.*, n.nspname, path.place FROM path
    JOIN pg_namespace n ON n.nspname = path.schema
    JOIN pg_proc p ON p.pronamespace = n.oid AND p.proname = $1::name AND p.prokind = 'f' AND p.provariadic = 0
  ), returned AS (
    SELECT f.oid, names.name, names.place, names.type
    FROM functions f, unnest(f.proargnames, f.proargmodes, f.proallargtypes) WITH ORDINALITY AS names (name, mode, type, place)
    WHERE names.mode IN ('t', 'o', 'b')
    UNION ALL
    SELECT f.oid, a.attname, a.attnum, a.atttypid
    FROM functions f JOIN pg_type t ON t.oid = f.prorettype
    JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
  ), types AS (
    SELECT oid, name, place, type FROM returned
    UNION ALL
    SELECT types.oid, types.name, types.place, t.typbasetype FROM types JOIN pg_type t ON t.oid = types.type WHERE t.typtype = 'd'
  )
  SELECT format('%I.%I', nspname, proname) AS name,
         format('%I.%I(%s)', nspname, proname, (SELECT string_agg(format_type(type, NULL), ', ' ORDER BY nth)
                                                FROM unnest(proargtypes::oid[]) WITH ORDINALITY AS taken (type, nth))) AS signature,
         nspname AS schema, place::int, has_schema_privilege(pronamespace, 'USAGE') AS usage, has_function_privilege(oid, 'EXECUTE') AS execute,
         provolatile = 'v' AS "isVolatile", prosecdef AS "asOwner",
         EXISTS (SELECT FROM unnest(proconfig) AS setting WHERE setting LIKE 'search_path=%') AS "hasSearchPath",
         (pronargs - pronargdefaults)::int AS least, pronargs::int AS most,
         (SELECT coalesce(json_agg(CASE WHEN t.typtype <> 'p' THEN format_type(t.oid, NULL) END ORDER BY nth), '[]')
          FROM unnest(proargtypes::oid[]) WITH ORDINALITY AS taken (type, nth) JOIN pg_type t ON t.oid = taken.type WHERE nth <= $3::int) AS types,
         (SELECT coalesce(json_agg(json_build_object(
                   'name', types.name, 'type', format_type(t.oid, NULL), 'builtin', t.typnamespace = 'pg_catalog'::regnamespace,
                   'short', t.typtype = 'e' OR t.typnamespace = 'pg_catalog'::regnamespace AND (t.typlen > 0 OR t.typcategory = 'I'))
                   ORDER BY types.place), '[]')
          FROM types JOIN pg_type t ON t.oid = types.type WHERE types.oid = f.oid AND t.typtype <> 'd' AND types.name <> '') AS columns
  FROM functions f ORDER BY place, oid`;

/** The same name in another schema, or a similar one. */
async function elsewhere(pool: Pool, name: string, schema: string | null): Promise<string> {
  const { rows } = await pool.query<{ schema: string; name: string }>(
    `SELECT DISTINCT n.nspname AS schema, p.proname AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE p.prokind = 'f' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'uncached')
       AND n.nspname NOT LIKE 'pg\\_temp\\_%' AND NOT p.prorettype = 'trigger'::regtype ORDER BY 1, 2 LIMIT 1000`,
  );
  const same = rows.find((one) => one.name === name && one.schema !== schema);
  if (same) return `: there is one in schema ${same.schema}: write ${same.schema}.${name}`;
  return didYouMean(name, [...new Set(rows.map((one) => one.name))]);
}

/** What keeps the function from being asked; each with what to do about it. */
export async function functionProblems(
  pool: Pool,
  { call, named, queue }: Expand,
  fn: ExpandFunction,
  user: string,
): Promise<string[]> {
  const role = quoteIdentifier(user);
  const columns = fn.columns.map(({ name }) => name);
  const table = queue === undefined ? undefined : await findRelation(pool, queue);
  const queued = (table && (await queueColumns(pool, [table.oid])).get(table.oid)) ?? [];
  const known = [...new Set([...columns, ...call.columns, ...queued.map(({ name }) => name)])];
  return [
    ...(fn.usage
      ? []
      : [
          `role ${user} lacks USAGE on its schema: GRANT USAGE ON SCHEMA ${showIdentifier(fn.schema)} TO ${role}`,
        ]),
    ...(fn.execute
      ? []
      : [`role ${user} lacks EXECUTE: GRANT EXECUTE ON FUNCTION ${fn.signature} TO ${role}`]),
    ...(columns.length === 0
      ? ['its columns have no names: declare it with RETURNS TABLE (column type, …)']
      : named
          .filter((column) => !known.includes(column))
          .map(
            (column) =>
              `a line of the handler names the column "${column}", which neither it returns nor the queue table has${didYouMean(column, known)} (it returns ${columns.join(', ')})`,
          )),
  ].map((problem) => `expand = ${formatCall(call)}: ${problem}`);
}
