import type { WrittenName } from './function-source.ts';
import type { Pool } from './pool.ts';
import type { QueueTable } from './queue-table.ts';

/** The queue table of a handler, by the names that a producer may use. */
export interface ServedTable {
  readonly handler: string;
  /** Qualified and quoted. */
  readonly table: string;
  readonly columns: readonly string[];
  /** What wakes the handler; undefined if listen_for cannot be read. */
  readonly channels: readonly string[] | undefined;
  /** The table itself, its partitions and the tables that inherit from it. */
  readonly members: readonly Required<WrittenName>[];
  /** By a rule, or by a subscription. */
  readonly filled: boolean;
}

type Given = Pick<ServedTable, 'handler' | 'columns' | 'channels'> & { readonly table: QueueTable };

export async function servedTables(pool: Pool, given: readonly Given[]): Promise<ServedTable[]> {
  const { rows } = await pool.query<{ oid: string; members: Required<WrittenName>[]; filled: boolean }>(
    `WITH RECURSIVE family AS (
       SELECT oid AS root, oid FROM unnest($1::oid[]) AS oid
       UNION
       SELECT root, inhrelid FROM family JOIN pg_inherits ON inhparent = family.oid
     )
     SELECT root::text AS oid, json_agg(json_build_object('schema', n.nspname, 'name', c.relname)) AS members,
            bool_or(EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid = c.oid)
                    OR EXISTS (SELECT FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid AND r.ev_type <> '1'
                               WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)) AS filled
     FROM family JOIN pg_class AS c USING (oid) JOIN pg_namespace AS n ON n.oid = c.relnamespace
     GROUP BY root`,
    [given.map(({ table }) => table.oid)],
  );
  const found = new Map(rows.map((row) => [row.oid, row]));
  return given.map(({ table, ...rest }) => {
    const { members = [], filled = false } = found.get(table.oid) ?? {};
    return { ...rest, table: table.name, members, filled };
  });
}

/** The queue tables of every daemon that cleared for this database, whatever its configuration. */
export async function servedElsewhere(pool: Pool): Promise<Required<WrittenName>[]> {
  const { rows } = await pool.query<{ usable: boolean }>(
    `SELECT coalesce(has_table_privilege(to_regclass('uncached.root'), 'SELECT'), false) AS usable`,
  );
  if (!rows[0]?.usable) return [];
  const { rows: tables } = await pool.query<Required<WrittenName>>(
    `SELECT DISTINCT n.nspname AS schema, c.relname AS name
     FROM uncached.root, unnest(queues) AS queue
          JOIN pg_class AS c ON c.oid = to_regclass(queue) JOIN pg_namespace AS n ON n.oid = c.relnamespace`,
  );
  return tables;
}

/** Whether an entry in the table of this name is for this handler. */
export function serves({ members }: ServedTable, name: WrittenName): boolean {
  return isAmong(members, name);
}

/** Without a schema any of them may be meant. */
export function isAmong(tables: readonly Required<WrittenName>[], { schema, name }: WrittenName): boolean {
  return tables.some((one) => one.name === name && (schema === undefined || schema === one.schema));
}
