import { didYouMean } from '../core/suggest.ts';
import { addedAt } from './added-time.ts';
import { AdvisedError, hiddenRows } from './advice.ts';
import { quoteIdentifier, showIdentifier } from './identifier.ts';
import type { Pool } from './pool.ts';
import { type QueueShape, shapeOf } from './queue-shape.ts';
import { findRelation, missing, type Relation } from './relation.ts';

/** What must be known about a queue table before claiming from it. */
export interface QueueTable extends QueueShape {
  readonly oid: string;
  /** Schema-qualified and quoted. */
  readonly name: string;
  readonly schema: string;
  readonly columns: readonly string[];
  /**
   * SQL for when an entry was added, as timestamptz; a `date_added` of type `time`, as in old databases, does
   * not say.
   */
  readonly addedAt: string;
  /** Its type has no time zone. */
  readonly zoneless: boolean;
  /** It has a column xid that says which transactions an entry may come from (sql/barrier.sql). */
  readonly hasXid: boolean;
  /** PostgreSQL 14 has no min(xid8). */
  readonly hasMinOfXid: boolean;
  /** FOR UPDATE SKIP LOCKED needs UPDATE on a column. */
  readonly mayLock: boolean;
  /** The schema. */
  readonly mayUse: boolean;
  readonly maySelect: boolean;
  readonly mayDelete: boolean;
  /** Row-level security applies to the role. */
  readonly hidden: boolean;
}

const remedy = 'create it (uncached attach prints the SQL), or correct "queue"';

/**
 * Finds a queue table through the role's search_path. Rejects if there is none of that name, with what to do.
 */
export async function findQueueTable(pool: Pool, name: string): Promise<QueueTable> {
  const relation = await findRelation(pool, name);
  if (relation) checkKind(name, relation);
  const { rows } = await pool.query<{
    columns: { name: string; type: string }[];
    select: boolean;
    delete: boolean;
    update: boolean;
    min: boolean;
  }>(
    `SELECT (SELECT json_agg(json_build_object('name', attname, 'type', format_type(atttypid, NULL)) ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
            has_table_privilege(c.oid, 'SELECT') AS select,
            has_table_privilege(c.oid, 'DELETE') AS delete,
            has_any_column_privilege(c.oid, 'UPDATE') AS update,
            to_regprocedure('pg_catalog.min(xid8)') IS NOT NULL AS min
     FROM pg_class c WHERE c.oid = $1`,
    [relation?.oid],
  );
  const [found] = rows;
  if (!relation || !found) throw await missing(pool, name, { what: 'queue table', remedy });
  const types = new Map(found.columns.map((column) => [column.name, column.type]));
  const hasAge = (types.get('date_added') ?? '').startsWith('timestamp');
  return {
    ...(await shapeOf(pool, relation.oid)),
    oid: relation.oid,
    name: relation.name,
    schema: relation.schema,
    mayUse: relation.usage,
    hidden: relation.hidden,
    columns: [...types.keys()],
    addedAt: hasAge ? addedAt : 'NULL::timestamptz',
    zoneless: types.get('date_added') === 'timestamp without time zone',
    hasXid: types.get('xid') === 'xid8',
    hasMinOfXid: found.min,
    mayLock: found.update,
    maySelect: found.select,
    mayDelete: found.delete,
  };
}

const otherKinds: Readonly<Record<string, string>> = {
  v: 'a view',
  m: 'a materialized view',
  f: 'a foreign table',
  S: 'a sequence',
};

function checkKind(name: string, { kind }: Relation): void {
  if (kind === 'r' || kind === 'p') return;
  const what = otherKinds[kind] ?? 'no table';
  throw new AdvisedError(
    `queue table ${name} is ${what}: entries can only be claimed from a table of this database; name the table itself under "queue"`,
    '42809',
  );
}

/** What keeps a handler from working with its queue table, each with what to do about it. */
export function queueProblems(
  name: string,
  table: QueueTable,
  key: readonly string[],
  user: string,
): string[] {
  const rights = [...(table.maySelect ? [] : ['SELECT']), ...(table.mayDelete ? [] : ['DELETE'])].join(', ');
  const role = quoteIdentifier(user);
  const schema = showIdentifier(table.schema);
  return [
    ...(table.mayUse
      ? []
      : [
          `queue table ${name}: role ${user} lacks USAGE on its schema: GRANT USAGE ON SCHEMA ${schema} TO ${role}`,
        ]),
    ...(table.hidden ? [`queue table ${name}: ${hiddenRows(table.name, role)}`] : []),
    ...(rights
      ? [`queue table ${name}: role ${user} lacks ${rights}: GRANT ${rights} ON ${table.name} TO ${role}`]
      : []),
    ...(table.foreign
      ? [
          `queue table ${name}: ${table.foreign} is a foreign table, and entries can only be claimed from tables of this database: DETACH it, or take it out of the inheritance`,
        ]
      : []),
    ...key
      .filter((column) => !table.columns.includes(column))
      .map(
        (column) =>
          `queue table ${name} has no column "${column}"${didYouMean(column, table.columns)} (it has ${table.columns.join(', ')})`,
      ),
  ];
}
