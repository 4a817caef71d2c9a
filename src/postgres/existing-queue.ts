import { toError } from '../core/errors.ts';
import type { KeyColumn } from './attach-sql.ts';
import { showIdentifier } from './identifier.ts';
import type { Pool } from './pool.ts';

/** A queue table by its exact names; for what is to be written into it, not read. */
export interface ExistingQueue {
  readonly oid: string;
  readonly kind: string;
  readonly columns: readonly string[];
}

export async function findExistingQueue(
  pool: Pool,
  { schema, table }: { schema: string; table: string },
): Promise<ExistingQueue | undefined> {
  const { rows } = await pool.query<ExistingQueue>(
    `SELECT c.oid::text AS oid, c.relkind AS kind,
            (SELECT coalesce(json_agg(attname ORDER BY attnum), '[]') FROM pg_attribute
             WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname = $1::name AND c.relname = $2::name`,
    [schema, table],
  );
  return rows[0];
}

/** Columns of a queue table that are not the key's. */
export const ownColumns: readonly string[] = ['id', 'date_added', 'xid'];

/** Why entries with this key cannot be written there. */
export async function existingProblems(
  pool: Pool,
  { oid, kind, columns }: ExistingQueue,
  { queue, key }: { queue: string; key: readonly Omit<KeyColumn, 'source'>[] },
): Promise<string[]> {
  if (!['r', 'p'].includes(kind))
    return [`${queue} is there already and is no table: choose another name with --queue`];
  const names = key.map(({ name }) => name);
  const theirs = columns.filter((name) => !ownColumns.includes(name));
  const show = (list: readonly string[]) => list.map(showIdentifier).join(', ') || 'no columns';
  if (names.some((name) => !theirs.includes(name)) || theirs.some((name) => !names.includes(name)))
    return [
      `the queue table ${queue} is there already, for the key ${show(theirs)} and not ${show(names)}: name its columns, or another table with --queue; if it is to change, remove it first, with uncached detach`,
    ];
  return [...(await unwritable(pool, oid, { queue, key })), ...(await unfit(pool, oid, names))];
}

/** Columns whose types have no assignment from the key's: each change of the table would fail. */
async function unwritable(
  pool: Pool,
  oid: string,
  { queue, key }: { queue: string; key: readonly Omit<KeyColumn, 'source'>[] },
): Promise<string[]> {
  const { rows } = await pool.query<{ name: string; has: string; source: string; type: string }>(
    `SELECT wanted.name, format_type(a.atttypid, NULL) AS has, wanted.source, wanted.type
     FROM unnest($2::name[], $3::text[], $4::text[]) AS wanted (name, source, type)
     JOIN pg_attribute AS a ON a.attrelid = $1::oid AND a.attname = wanted.name
     JOIN pg_type AS t ON t.oid = a.atttypid
     WHERE t.typcategory <> 'S' AND t.typtype <> 'd' AND a.atttypid <> wanted.source::regtype
       AND NOT EXISTS (SELECT FROM pg_cast WHERE castsource = wanted.source::regtype AND casttarget = a.atttypid AND castcontext IN ('a', 'i'))
     ORDER BY a.attnum`,
    [oid, key.map(({ name }) => name), key.map(({ sourceType }) => sourceType), key.map(({ type }) => type)],
  );
  return rows.map(
    ({ name, has, source, type }) =>
      `the column ${showIdentifier(name)} of the queue table ${queue} is of type ${has}, which takes no ${source}: ALTER TABLE ${queue} ALTER ${showIdentifier(name)} TYPE ${type} USING ${showIdentifier(name)}::${type}`,
  );
}

/** What uncached.enqueue() would say at the first change. */
async function unfit(pool: Pool, oid: string, names: readonly string[]): Promise<string[]> {
  try {
    await pool.query('SELECT uncached.assert_queue_table($1::oid::regclass, $2::name[])', [oid, names]);
    return [];
  } catch (thrown) {
    const { message, hint } = toError(thrown) as Error & { hint?: string };
    if (hint === undefined) throw thrown;
    return [`${message}: ${hint}`];
  }
}
