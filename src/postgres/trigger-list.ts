import { enqueueFunction, notifyFunction, relationName } from './enqueue-function.ts';
import { FunctionSource } from './function-source.ts';
import { jsonOf } from './json.ts';
import type { Pool } from './pool.ts';

export interface Trigger {
  /** Both quoted, as in SQL. */
  readonly table: string;
  readonly name: string;
  readonly enabled: boolean;
  /** It calls uncached.enqueue(). */
  readonly enqueues: boolean;
  /** It calls uncached.notify(): it wakes a channel, and fills no queue table. */
  readonly notifies: boolean;
  /** Of either; otherwise anything. */
  readonly args: readonly string[];
  /** Columns of UPDATE OF; empty: each update fires it, or none does. */
  readonly updateOf: readonly string[];
  /** Columns that are generated only from these, and change only with them. */
  readonly follows: readonly string[];
  readonly updates: boolean;
  readonly function: string;
  /** Its arguments, its function and the functions that this calls. */
  readonly source: FunctionSource;
}

interface Row extends Omit<Trigger, 'source'> {
  readonly oid: string;
}

/** Functions that were written at this site, by oid; without those of extensions and in C. */
interface Written {
  readonly oid: string;
  readonly name: string;
  readonly source: string;
}

/** The triggers of the database, and what else could fill a table. */
export async function readTriggers(
  pool: Pool,
): Promise<{ triggers: Trigger[]; functions: FunctionSource[]; attachable: boolean }> {
  const json = await jsonOf(pool);
  const read = async <Item>(query: string) => {
    const { rows } = await pool.query<{ list: unknown }>(`SELECT ${json.send(`(${query})`)} AS list`);
    return (await json.read<Item[] | null>(rows[0]?.list ?? null)) ?? [];
  };
  const written = await read<Written>(functionList);
  const sources = closures(written);
  const triggers = (await read<Row>(triggerList)).map(
    ({ oid, ...trigger }): Trigger => ({
      ...trigger,
      source: new FunctionSource([...trigger.args.map((arg) => `'${arg}'`), sources(oid)].join('\n')),
    }),
  );
  const { rows } = await pool.query<{ attachable: boolean }>(
    `SELECT ${enqueueFunction} IS NOT NULL AS attachable`,
  );
  return {
    triggers,
    functions: written.map(({ source }) => new FunctionSource(source)),
    attachable: rows[0]?.attachable ?? false,
  };
}

/** tgtype: 16 is UPDATE. tgenabled: D is disabled; R fires only where session_replication_role is replica. */
const triggerList = `
  SELECT json_agg(json_build_object(
    'oid', tgfoid::text, 'table', ${relationName('tgrelid')}, 'name', quote_ident(tgname), 'enabled', tgenabled NOT IN ('D', 'R'),
    'enqueues', coalesce(tgfoid = ${enqueueFunction}, false), 'notifies', coalesce(tgfoid = ${notifyFunction}, false), 'function', format('%I.%I', n.nspname, p.proname),
    'args', ARRAY(SELECT convert_from(decode(escaped, 'escape'), getdatabaseencoding())
                  FROM unnest(string_to_array(encode(tgargs, 'escape'), '\\000')) WITH ORDINALITY AS given (escaped, place)
                  WHERE place <= tgnargs ORDER BY place),
    'updates', tgtype & 16 <> 0,
    'updateOf', ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = tgrelid AND attnum = ANY (tgattr)),
    'follows', ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = tgrelid AND attgenerated <> '' AND NOT EXISTS (
                       SELECT FROM pg_depend AS d LEFT JOIN pg_attrdef AS e ON e.oid = d.objid AND d.classid = 'pg_attrdef'::regclass
                       WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = tgrelid AND d.refobjsubid <> 0
                         AND (e.adrelid = tgrelid AND e.adnum = attnum AND d.refobjsubid <> attnum
                              OR d.classid = 'pg_class'::regclass AND d.objid = tgrelid AND d.objsubid = attnum)
                         AND d.refobjsubid <> ALL (tgattr)))
  ) ORDER BY ${relationName('tgrelid')}, tgname)
  FROM pg_trigger JOIN pg_proc AS p ON p.oid = tgfoid JOIN pg_namespace AS n ON n.oid = p.pronamespace
  WHERE NOT tgisinternal AND tgparentid = 0`;

const functionList = `
  SELECT json_agg(json_build_object('oid', p.oid::text, 'name', lower(p.proname::text), 'source', coalesce(pg_get_function_sqlbody(p.oid), p.prosrc)))
  FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang JOIN pg_namespace AS n ON n.oid = p.pronamespace
  WHERE l.lanname NOT IN ('internal', 'c') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'uncached')
    AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')`;

/**
 * The source of a function and of all that it calls, by name: several functions of one name are not
 * distinguished.
 */
function closures(written: readonly Written[]): (oid: string) => string {
  const byName = new Map<string, Written[]>();
  for (const one of written) byName.set(one.name, [...(byName.get(one.name) ?? []), one]);
  const known = new Map<string, string>();

  function closure(oid: string): string {
    const reached = new Set(written.filter((one) => one.oid === oid));
    // The set grows during the loop.
    for (const { source } of reached)
      for (const name of new FunctionSource(source).calls())
        for (const called of byName.get(name) ?? []) reached.add(called);
    return [...reached].map(({ source }) => source).join('\n');
  }

  return (oid) => {
    const text = known.get(oid) ?? closure(oid);
    known.set(oid, text);
    return text;
  };
}
