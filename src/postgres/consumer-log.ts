import type {
  ConsumerLog,
  ConsumerName,
  ConsumerState,
  Cursors,
  HandlerRows,
  IdRange,
  LogPart,
} from '../core/consumer-contract.ts';
import type { Key } from '../core/contracts.ts';
import { advised } from './advice.ts';
import { openFailing } from './consumer-failing.ts';
import { clearsFor } from './consumer-table.ts';
import { elapsedMs } from './elapsed-time.ts';
import { join } from './join.ts';
import { type Json, jsonOf, rowsOf } from './json.ts';
import { logKey } from './log-key.ts';
import { snapshot } from './open-transactions.ts';
import type { Pool } from './pool.ts';

export interface ConsumerLogOptions extends ConsumerName {
  readonly pool: Pool;
  /** The daemon. */
  readonly owner: string;
  readonly version: string;
  /** The handlers that it clears for: rows of others are not its. */
  readonly handlers: readonly string[];
  /** The ids of what stands behind it, also behind another of these. */
  readonly behind: readonly string[];
  /** A daemon that did not report for so long does not work. */
  readonly leaseMs: number;
  /** Nothing was cached in it before its first row. */
  readonly startsEmpty: boolean;
  /** False: it keeps its cursor where it would be wiped, as long as the log has the rows beyond it. */
  readonly canBeWiped: boolean;
}

/** `uncached.log`, as one consumer sees it. One function for each statement. */
export function openConsumerLog(options: ConsumerLogOptions): ConsumerLog {
  const tell = <Arguments extends unknown[], Result>(
    what: string,
    statement: (given: ConsumerLogOptions, ...values: Arguments) => Promise<Result>,
  ) => advised(what, (...values: Arguments) => statement(options, ...values));
  return {
    join: tell('register in uncached.consumer', join),
    read: tell('read the log', read),
    count: tell('read the log', count),
    snapshot: tell('look for open transactions', snapshot),
    readAgain: tell('read the log', readAgain),
    advance: tell('write to uncached.consumer', advance),
    becomeLive: tell('write to uncached.consumer', becomeLive),
    failing: openFailing(options),
  };
}

/**
 * Rows of one statement: with more, it could run into statement_timeout at each attempt, or its answer could
 * fill the memory (a key has some kilobytes at most, log-key.ts).
 */
const mostRead = 1_000;
const mostReadAgain = 5_000;

/** Rows that the statement has named `part`, as arrays: node-postgres takes longer for thousands of rows than the server. */
const byHandler = ({ send }: Json, condition = 'true') =>
  send(`(
    SELECT json_agg(json_build_object('handler', handler, 'ids', ids, 'keys', keys, 'lagMs', "lagMs"))
    FROM (SELECT handler, json_agg(id ORDER BY id) AS ids, json_agg(${logKey} ORDER BY id) AS keys, ${elapsedMs('min(enqueued_at)')} AS "lagMs"
          FROM part WHERE handler = ANY ($2) AND ${condition} GROUP BY handler) AS groups)`);

interface Group {
  readonly handler: string;
  readonly ids: readonly number[];
  readonly keys: readonly Key[];
  readonly lagMs: number | null;
}

async function groupsOf(json: Json, sent: unknown): Promise<HandlerRows[]> {
  const groups = (await json.read<Group[] | null>(sent)) ?? [];
  return groups.map(({ handler, ids, keys, lagMs }) => ({
    handler,
    rows: rowsOf(handler, { ids, keys }),
    lagMs,
  }));
}

interface Part {
  readonly state: ConsumerState | null;
  readonly count: number;
  readonly last: number | null;
  readonly others: Readonly<Record<string, number>>;
  readonly groups: unknown;
}

/** The state is read in the same snapshot as the rows: rows are deleted only after a consumer has expired. */
async function read(
  { pool, id, handlers }: ConsumerLogOptions,
  { after, upTo, limit }: { after: number; upTo?: number; limit: number },
): Promise<LogPart> {
  const most = Math.min(limit, mostRead);
  const json = await jsonOf(pool);
  const { rows } = await pool.query<Part>({
    name: 'uncached_read',
    text: `
      WITH part AS MATERIALIZED (
        SELECT id, handler, key, enqueued_at FROM uncached.log
        WHERE id > $3 AND id <= $4 ORDER BY id LIMIT $5
      )
      ${ofPart}, ${byHandler(json)} AS groups`,
    values: [id, handlers, after, upTo ?? endless, most],
  });
  const [part] = rows;
  if (!part) throw new Error('the statement returned nothing');
  const { state, count, last, others } = part;
  const end = count < most ? (upTo ?? last) : last;
  return { state: state ?? undefined, others, groups: await groupsOf(json, part.groups), upTo: end ?? after };
}

const ofPart = `
  SELECT (SELECT state FROM uncached.consumer WHERE id = $1) AS state,
         (SELECT count(*)::int FROM part) AS count, (SELECT max(id)::float8 FROM part) AS last,
         (SELECT coalesce(json_object_agg(handler, rows), '{}')
          FROM (SELECT handler, count(*)::int AS rows FROM part WHERE handler <> ALL ($2) GROUP BY handler) AS strange
          WHERE NOT EXISTS (SELECT FROM uncached.consumer AS consumer WHERE state <> 'expired' AND ${clearsFor('strange.handler')})) AS others`;

const endless = 9_007_199_254_740_991;

async function readAgain(
  { pool, id, handlers }: ConsumerLogOptions,
  { after, upTo, at }: IdRange & { at: string },
): Promise<LogPart & { late: boolean }> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<Part & { late: boolean }>({
    name: 'uncached_read_again',
    text: `
      WITH part AS MATERIALIZED (
        SELECT id, handler, key, enqueued_at, claimed_at
        FROM uncached.log WHERE id > $3 AND id <= $4 ORDER BY id LIMIT ${mostReadAgain}
      ), failed AS MATERIALIZED (
        SELECT id FROM uncached.failing WHERE consumer = $1 AND id > $3 AND id <= (SELECT max(id) FROM part)
      )
      ${ofPart}, (SELECT coalesce(bool_or(claimed_at > $5), false) FROM part) AS late, ${byHandler(json, 'id NOT IN (SELECT id FROM failed)')} AS groups`,
    values: [id, handlers, after, upTo, at],
  });
  const [part] = rows;
  if (!part) throw new Error('the statement returned nothing');
  const { state, count, last, late, others } = part;
  const end = count < mostReadAgain ? upTo : last;
  const groups = await groupsOf(json, part.groups);
  return { state: state ?? undefined, late, others, groups, upTo: end ?? upTo };
}

async function count(
  { pool, handlers }: ConsumerLogOptions,
  { after, upTo, most }: IdRange & { most: number },
): Promise<number> {
  const { rows } = await pool.query<{ rows: number }>({
    name: 'uncached_count',
    text: `
      SELECT count(*)::int AS rows
      FROM (SELECT FROM uncached.log WHERE id > $2 AND id <= $3 AND handler = ANY ($1) LIMIT $4) AS part`,
    values: [handlers, after, upTo, most],
  });
  return rows[0]?.rows ?? 0;
}

const isOurs = `id = $1 AND owner = $2 AND state <> 'expired'`;

async function advance(
  { pool, id, owner }: ConsumerLogOptions,
  { from, settledTo, clearedTo }: Cursors,
): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: 'uncached_advance',
    text: `UPDATE uncached.consumer
           SET settled_to = $3, cleared_to = greatest(cleared_to, $4), seen_at = clock_timestamp()
           WHERE ${isOurs} AND settled_to = $5`,
    values: [id, owner, settledTo, clearedTo, from],
  });
  return rowCount === 1;
}

async function becomeLive({ pool, id, owner }: ConsumerLogOptions, from: number): Promise<boolean> {
  const { rowCount } = await pool.query(
    `UPDATE uncached.consumer SET state = 'live', seen_at = clock_timestamp() WHERE ${isOurs} AND settled_to = $3`,
    [id, owner, from],
  );
  return rowCount === 1;
}
