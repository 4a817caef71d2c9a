import { barrierInstalled } from './barrier.ts';
import type { Pool } from './pool.ts';
import type { QueueTable } from './queue-table.ts';
import { type ServedTable, serves } from './served-tables.ts';
import { readTriggers, type Trigger } from './trigger-list.ts';

interface Queue {
  readonly handler: string;
  readonly table: QueueTable;
}

interface Found {
  readonly oid: string;
  /** Whether the barrier knows it for this handler. */
  readonly known: boolean;
  readonly type: string | null;
  readonly default: string | null;
  readonly indexed: boolean;
  /** A unique index over the key without xid: a producer must skip what is there, or wait for it. */
  readonly unique: string | null;
}

const leastOpen = 'pg_snapshot_xmin(pg_current_snapshot())';
const own = 'pg_current_xact_id()';

/**
 * Where the barrier is installed: what it does not know, and queue tables whose xid does not say which transactions an
 * entry may come from. If that is too high, a change is announced while its page is stale.
 */
export async function inspectBarrier(
  pool: Pool,
  queues: readonly Queue[],
  served: readonly ServedTable[],
): Promise<{ problems: string[]; notices: string[] }> {
  const problems: string[] = [];
  const notices: string[] = [];
  if (!(await barrierInstalled(pool)) || queues.length === 0) return { problems, notices };
  const { triggers } = await readTriggers(pool);
  const shapes = await readShapes(pool, queues);
  for (const [at, { handler, table }] of queues.entries()) {
    const found = shapes[at];
    if (!found) continue;
    if (!found.known)
      problems.push(
        `the barrier does not know queue table ${table.name} of [handler.${handler}], and nothing is announced as cleared: uncached schema --barrier | psql`,
      );
    const skipping = skippers(table, triggers, served);
    const problem = xidProblem(table, found, skipping);
    if (problem !== undefined) problems.push(problem);
    const notice = xidNotice(table, found);
    if (notice !== undefined) notices.push(notice);
  }
  return { problems, notices };
}

function xidProblem({ name }: QueueTable, found: Found, skipping: readonly string[]): string | undefined {
  if (found.type !== 'xid8' || found.default === leastOpen) return undefined;
  const remedy = `ALTER TABLE ${name} ALTER xid SET DEFAULT ${leastOpen}`;
  if (found.default !== own)
    return `queue table ${name}: its xid defaults to ${found.default ?? 'nothing'}, and a change may be announced while its page is stale: ${remedy}`;
  if (skipping.length > 0)
    return `queue table ${name}: its xid is that of the transaction that enqueued, and ${skipping.join(', ')} does not enqueue what is queued already: a change that is not enqueued is announced too early: ${remedy}`;
  if (found.unique !== null)
    return `queue table ${name}: its xid is that of the transaction that enqueued, and because of the unique index ${found.unique} others do not enqueue the same key: a change that is not enqueued is announced too early: ${remedy}`;
  return undefined;
}

function xidNotice({ name }: QueueTable, { type, indexed }: Found): string | undefined {
  if (type === null)
    return `queue table ${name} has no column xid: while it has entries, and until they have settled, nothing is announced as cleared: ALTER TABLE ${name} ADD xid xid8 NOT NULL DEFAULT ${leastOpen}`;
  if (type !== 'xid8')
    return `queue table ${name}: its xid is of type ${type} and not xid8: while it has entries, and until they have settled, nothing is announced as cleared`;
  if (!indexed)
    return `queue table ${name} has no index that begins with xid: each question what has been cleared reads all its entries: CREATE INDEX ON ${name} (xid)`;
  return undefined;
}

/** Custom triggers that fill this table unless an entry is there already, as far as their source shows. */
function skippers(table: QueueTable, triggers: readonly Trigger[], served: readonly ServedTable[]): string[] {
  const one = served.find((other) => other.table === table.name);
  if (!one) return [];
  return triggers
    .filter(({ enabled, enqueues }) => enabled && !enqueues)
    .filter(({ source }) => source.skips() && source.inserts().some((name) => serves(one, name)))
    .map((trigger) => `trigger ${trigger.name} on ${trigger.table} (${trigger.function})`);
}

async function readShapes(pool: Pool, queues: readonly Queue[]): Promise<Found[]> {
  const { rows } = await pool.query<Found>(
    `SELECT wanted.oid::text AS oid,
            EXISTS (SELECT FROM uncached.barrier AS b WHERE b.handler = wanted.handler AND to_regclass(nullif(b.queue, ''))::oid = wanted.oid) AS known,
            format_type(a.atttypid, NULL) AS type, pg_get_expr(d.adbin, d.adrelid) AS default,
            EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = wanted.oid AND i.indkey[0] = a.attnum AND i.indpred IS NULL AND i.indisvalid) AS indexed,
            (SELECT min(i.indexrelid::regclass::text) FROM pg_index AS i
             WHERE i.indrelid = wanted.oid AND i.indisunique AND NOT i.indisprimary AND a.attnum <> ALL (i.indkey)) AS unique
     FROM unnest($1::oid[], $2::text[]) WITH ORDINALITY AS wanted (oid, handler, place)
       LEFT JOIN pg_attribute AS a ON a.attrelid = wanted.oid AND a.attname = 'xid' AND a.attnum > 0 AND NOT a.attisdropped
       LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     ORDER BY wanted.place`,
    [queues.map(({ table }) => table.oid), queues.map(({ handler }) => handler)],
  );
  return rows;
}
