import { escapeLiteral } from 'pg';
import type { Pool } from '../../src/postgres/pool.ts';

/** What a statement has read, by the name of the table, and how. */
export interface Explained {
  readonly text: string;
  /** Rows that were found, with those that were found in vain, of all loops. */
  readonly rows: Readonly<Record<string, number>>;
  readonly buffers: number;
  /** Tables that were read from the beginning to the end. */
  readonly sequential: readonly string[];
}

interface Node {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Actual Rows': number;
  readonly 'Actual Loops': number;
  readonly 'Rows Removed by Filter'?: number;
  readonly 'Rows Removed by Index Recheck'?: number;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly Node[];
}

/** Each statement is explained so many times. */
const mostTimes = 3;

type Statement = string | { readonly text: string; readonly values?: readonly unknown[] };

/**
 * A pool whose statements are explained before they are executed, as they are executed: in a session of the daemon,
 * with a plan that knows no value. `pool` must have one connection.
 */
export function explaining(pool: Pool): { pool: Pool; explained: Explained[] } {
  const explained: Explained[] = [];
  const query = async (statement: Statement, ...given: readonly unknown[][]) => {
    const { text, values = given[0] ?? [] } = typeof statement === 'string' ? { text: statement } : statement;
    const times = explained.filter((one) => one.text === text).length;
    if (text.includes('uncached.') && times < mostTimes) explained.push(await explain(pool, text, values));
    return Reflect.apply(pool.query, pool, [statement, ...given]);
  };
  return { pool: { query: query as Pool['query'], end: pool.end }, explained };
}

async function explain(pool: Pool, text: string, values: readonly unknown[]): Promise<Explained> {
  const list = values.length > 0 ? `(${values.map(toSql).join(', ')})` : '';
  await pool.query('BEGIN');
  await pool.query(`PREPARE explained AS ${text}`);
  const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: Node }] }>(
    `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE explained${list}`,
  );
  await pool.query('ROLLBACK');
  await pool.query('DEALLOCATE explained');
  const plan = rows[0]?.['QUERY PLAN'][0].Plan;
  if (!plan) throw new Error(`no plan of ${text}`);
  const nodes = allOf(plan);
  const scans = nodes.filter(
    (node) => node['Relation Name'] !== undefined && / Scan$/.test(node['Node Type']),
  );
  const found: Record<string, number> = {};
  for (const node of scans) {
    const table = node['Relation Name'] ?? '';
    const each =
      node['Actual Rows'] +
      (node['Rows Removed by Filter'] ?? 0) +
      (node['Rows Removed by Index Recheck'] ?? 0);
    found[table] = (found[table] ?? 0) + each * node['Actual Loops'];
  }
  return {
    text,
    rows: found,
    buffers: plan['Shared Hit Blocks'] + plan['Shared Read Blocks'],
    sequential: scans.flatMap((node) =>
      node['Node Type'] === 'Seq Scan' ? [node['Relation Name'] ?? ''] : [],
    ),
  };
}

function allOf(node: Node): Node[] {
  return [node, ...(node.Plans ?? []).flatMap(allOf)];
}

function toSql(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  if (!Array.isArray(value)) return escapeLiteral(String(value));
  const quoted = value.map((one) =>
    one === null ? 'NULL' : `"${String(one).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  );
  return escapeLiteral(`{${quoted.join()}}`);
}
