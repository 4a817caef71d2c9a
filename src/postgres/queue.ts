import type { QueryConfig } from 'pg';
import { type Backlog, type Claim, maxCounted, type Queue } from '../core/contracts.ts';
import { errorCode } from '../core/errors.ts';
import { addedSince, now } from './added-time.ts';
import { withAdvice } from './advice.ts';
import { type ClaimForm, claimStatement, unmeasured } from './claim-statement.ts';
import { elapsedMs } from './elapsed-time.ts';
import { type Json, jsonOf, rowsOf } from './json.ts';
import type { Pool } from './pool.ts';
import { findQueueTable, type QueueTable, queueProblems } from './queue-table.ts';

/** The queue table of one handler. It is looked up at the first use, and again after it has changed. */
export function openQueue(
  pool: Pool,
  given: {
    handler: string;
    queue: string;
    columns: readonly string[];
    /** Those of them that the table must have; the others are left out where it has none. */
    required?: readonly string[];
    user: string;
    owner: string;
    /** What keeps the handler from taking these entries although it could (shared-queues.ts). */
    shared?: (handler: string) => Promise<string[]>;
  },
): Queue {
  const { handler, queue, columns, required = columns, user, owner, shared } = given;
  let known: ReturnType<typeof lookUp> | undefined;
  /** When the table was last seen empty: later entries cannot have been there before. */
  let seenEmpty: number | null = null;

  async function lookUp() {
    const table = await findQueueTable(pool, queue);
    return { table, claiming: once(() => prepareClaims(table)) };
  }

  async function prepareClaims(table: QueueTable) {
    const problems = [...queueProblems(queue, table, required, user), ...((await shared?.(handler)) ?? [])];
    const json = await jsonOf(pool);
    return { problems, json, prepared: preparedClaims(table, columns, json) };
  }

  async function attempt<T>(
    what: string,
    use: (found: Awaited<ReturnType<typeof lookUp>>) => Promise<T>,
  ): Promise<T> {
    try {
      known ??= lookUp();
      return await use(await known);
    } catch (error) {
      known = undefined;
      throw withAdvice(`Cannot ${what} ${queue}`, error);
    }
  }

  return {
    claim: (limit, after) =>
      attempt('claim from', async ({ table, claiming }) => {
        const { problems, json, prepared } = await claiming();
        if (problems.length > 0) throw new Error(problems.join('; '));
        const statement = prepared({ fromStart: after === null, measured: limit > unmeasured });
        const values = [
          handler,
          limit,
          owner,
          ...(after === null ? [] : [after]),
          ...(table.zoneless ? [seenEmpty] : []),
        ];
        const { at, told: _, ...claimed } = await claim(pool, handler, json, { ...statement, values });
        if (after === null && claimed.entries < limit && !claimed.cut && !claimed.remains) seenEmpty = at;
        return claimed;
      }),
    // A role that only monitors may have just SELECT.
    backlog: () =>
      attempt('count the backlog of', async ({ table }) => {
        const [problem] = queueProblems(queue, { ...table, mayDelete: true }, required, user);
        const { at, ...found } = await backlog(pool, table, seenEmpty);
        if (found.entries === 0) seenEmpty = at;
        return { ...found, ...(problem !== undefined && { problem }) };
      }),
  };
}

/** What only counts need not ask for. */
function once<Result>(ask: () => Promise<Result>): () => Promise<Result> {
  let asked: Promise<Result> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}

let statements = 0;

/** A prepared name must never have two texts on one connection, so no name is used twice. */
function nextStatementName(): string {
  statements += 1;
  return `uncached_claim_${statements}`;
}

/** The claim statements, each made when it is first needed. */
function preparedClaims(table: QueueTable, columns: readonly string[], json: Json) {
  const keys = columns.flatMap((name) => {
    const text = table.texts.get(name);
    return text ? [{ name, text }] : [];
  });
  const made = new Map<string, { name: string; text: string }>();
  return (form: ClaimForm) => {
    const which = JSON.stringify(form);
    const statement = made.get(which) ?? {
      name: nextStatementName(),
      text: claimStatement(table, keys, json, form),
    };
    made.set(which, statement);
    return statement;
  };
}

/** `at`: when, in seconds, by the server's clock. */
type At<T> = T & { readonly at: number };

async function claim(
  pool: Pool,
  handler: string,
  json: Json,
  statement: QueryConfig,
): Promise<At<Claim> & { told?: unknown }> {
  for (let attempt = 1; ; attempt++) {
    try {
      const { rows } = await pool.query<At<Omit<Claim, 'rows'>> & { rows: unknown }>(statement);
      const [claimed] = rows;
      if (!claimed) throw new Error('Cannot claim: the statement returned nothing');
      return { ...claimed, rows: rowsOf(handler, await json.read(claimed.rows)) };
    } catch (error) {
      if (!tryAgain.includes(errorCode(error) ?? '') || attempt === maxAttempts) throw error;
    }
  }
}

/** Deadlock, and serialization failure where that is the default isolation: the statement left no trace. */
const tryAgain = ['40P01', '40001'];
const maxAttempts = 5;

/** The oldest is among the first. */
async function backlog(pool: Pool, table: QueueTable, seenEmpty: number | null): Promise<At<Backlog>> {
  const { name, order, zoneless } = table;
  const { rows } = await pool.query<At<Backlog>>(
    `SELECT count(*)::int AS entries, ${now} AS at, ${elapsedMs('min(added)')} AS "lagMs",
            (count(*) - count(added))::int AS "ofUnknownAge"
     FROM (SELECT ${zoneless ? addedSince('$1') : table.addedAt} AS added FROM ${name} ${order.start} LIMIT ${maxCounted}) AS first`,
    zoneless ? [seenEmpty] : [],
  );
  const [found] = rows;
  if (!found) throw new Error('the statement returned nothing');
  return found;
}
