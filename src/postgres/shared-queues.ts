import type { Pool } from './pool.ts';
import { findRelations } from './relation.ts';

export interface NamedQueue {
  readonly handler: string;
  readonly queue: string;
}

export interface SharedQueue {
  readonly handlers: readonly [string, string];
  readonly problem: string;
}

/**
 * Handlers that take the same entries under different names, such as `ports_q` and `public.ports_q`, or a
 * table and a partition of it: each entry would be cleared for only one of them. The same name twice is found
 * without the database (clearing/handler.ts).
 */
export async function sharedQueues(pool: Pool, given: readonly NamedQueue[]): Promise<SharedQueue[]> {
  const relations = await findRelations(
    pool,
    given.map(({ queue }) => queue),
  );
  const { rows } = await pool.query<{ first: number; second: number; same: boolean }>(
    `WITH RECURSIVE named AS (
       SELECT * FROM unnest($1::oid[]) WITH ORDINALITY AS named (oid, place)
     ), family AS (
       SELECT place, oid, oid AS root FROM named
       UNION
       SELECT place, inhrelid, root FROM family JOIN pg_inherits ON inhparent = family.oid
     )
     SELECT least(named.place, family.place)::int AS first, greatest(named.place, family.place)::int AS second,
            bool_or(named.oid = family.root) AS same
     FROM named JOIN family ON family.oid = named.oid AND family.place <> named.place
     GROUP BY 1, 2 ORDER BY 1, 2`,
    [relations.map((relation) => relation?.oid ?? null)],
  );
  return rows.flatMap(({ first, second, same }) => {
    const [one, other] = [given[first - 1], given[second - 1]];
    if (!one || !other || one.queue === other.queue) return [];
    const what = same
      ? `is the table of [handler.${one.handler}], which is named ${one.queue} there`
      : `and ${one.queue} of [handler.${one.handler}] have entries in common, as one table is a part of the other`;
    return [
      {
        handlers: [one.handler, other.handler],
        problem: `[handler.${other.handler}] queue = ${other.queue} ${what}: an entry goes to one handler only: write the templates of both into one handler`,
      },
    ];
  });
}

/**
 * For the claims of a daemon: what keeps a handler from taking entries that also belong to another.
 * Concurrent callers share one query.
 */
export function openSharing(
  pool: Pool,
  queues: readonly NamedQueue[],
): (handler: string) => Promise<string[]> {
  let asked: Promise<SharedQueue[]> | undefined;
  return async (handler) => {
    asked ??= sharedQueues(pool, queues).finally(() => {
      asked = undefined;
    });
    return (await asked).filter(({ handlers }) => handlers.includes(handler)).map(({ problem }) => problem);
  };
}
