import { didYouMean } from '../core/suggest.ts';
import { quoteIdentifier } from './identifier.ts';
import type { Pool } from './pool.ts';

/** What there is to know of a queue table before claiming from it. */
export interface QueueTable {
  /** Schema-qualified and quoted. */
  readonly name: string;
  readonly columns: readonly string[];
  /** Has an integer `id`, so that entries have an order and a claim can begin beyond the last one. */
  readonly hasId: boolean;
  /** SQL for when an entry was added, as timestamptz; `date_added` of type `time`, as old databases have it, does not tell. */
  readonly age: string;
  readonly hasAge: boolean;
  /** FOR UPDATE SKIP LOCKED needs UPDATE on a column. */
  readonly mayLock: boolean;
  readonly maySelect: boolean;
  readonly mayDelete: boolean;
}

/** Looks a queue table up as the session's search_path finds it. Returns undefined if there is none of that name. */
export async function findQueueTable(pool: Pool, name: string): Promise<QueueTable | undefined> {
  const { rows } = await pool.query<{
    name: string;
    columns: { name: string; type: string }[];
    select: boolean;
    delete: boolean;
    update: boolean;
  }>(
    `SELECT format('%I.%I', n.nspname, c.relname) AS name,
            (SELECT json_agg(json_build_object('name', attname, 'type', format_type(atttypid, NULL)) ORDER BY attnum)
             FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns,
            has_table_privilege(c.oid, 'SELECT') AS select,
            has_table_privilege(c.oid, 'DELETE') AS delete,
            has_any_column_privilege(c.oid, 'UPDATE') AS update
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = to_regclass($1) AND c.relkind IN ('r', 'p')`,
    [quoteQualified(name)],
  );
  const [found] = rows;
  if (!found) return undefined;
  const types = new Map(found.columns.map((column) => [column.name, column.type]));
  const hasAge = (types.get('date_added') ?? '').startsWith('timestamp');
  return {
    name: found.name,
    columns: [...types.keys()],
    hasId: ['smallint', 'integer', 'bigint'].includes(types.get('id') ?? ''),
    age: hasAge ? addedAt : 'NULL::timestamptz',
    hasAge,
    mayLock: found.update,
    maySelect: found.select,
    mayDelete: found.delete,
  };
}

/** Without infinity and the ends of the calendar, with which PostgreSQL refuses to reckon: such an entry would block the others. */
const addedAt = `CASE WHEN date_added BETWEEN '1900-01-01' AND '2900-01-01' THEN date_added::timestamptz END`;

/** What keeps a handler from working with its queue table, each with what to do about it. */
export function queueProblems(
  name: string,
  table: QueueTable | undefined,
  key: readonly string[],
  user: string,
): string[] {
  if (!table) {
    return [
      `queue table ${name} does not exist: create it ("uncached schema" has the shipped ones) or correct "queue"`,
    ];
  }
  const rights = [...(table.maySelect ? [] : ['SELECT']), ...(table.mayDelete ? [] : ['DELETE'])].join(', ');
  return [
    ...(rights
      ? [
          `queue table ${name}: role ${user} lacks ${rights}: GRANT ${rights} ON ${table.name} TO ${quoteIdentifier(user)}`,
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

/** The operator writes plain names: `cache_clearing_ports` or `schema.table`. */
function quoteQualified(name: string): string {
  return name.split('.').map(quoteIdentifier).join('.');
}
