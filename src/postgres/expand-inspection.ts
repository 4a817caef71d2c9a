import { formatCall } from '../core/configuration.ts';
import type { Key } from '../core/contracts.ts';
import { type AskDependents, Refusal } from '../core/dependents.ts';
import type { Expand } from '../core/target-cache.ts';
import { type ExpandFunction, findExpandFunction, functionProblems } from './expand-function.ts';
import { jsonOf } from './json.ts';
import { logKey } from './log-key.ts';
import type { Pool } from './pool.ts';
import { queueColumns } from './queue-columns.ts';
import { findRelation } from './relation.ts';

interface Inspected {
  readonly handler: string;
  readonly expand: Expand;
}

/** What keeps the function of an `expand` from being asked; each with what to do about it. */
export async function expandProblems(
  pool: Pool,
  expand: Expand,
  user: string,
): Promise<{ problems: string[]; fn?: ExpandFunction }> {
  const fn = await findExpandFunction(pool, expand.call);
  if ('problem' in fn) return { problems: [`expand = ${formatCall(expand.call)}: ${fn.problem}`] };
  return { problems: await functionProblems(pool, expand, fn, user), fn };
}

/** The same, with what is unwise, and with what the function answers to a key. */
export async function inspectExpand(
  pool: Pool,
  { handler, expand }: Inspected,
  { user, ask }: { user: string; ask: AskDependents },
): Promise<{ problems: string[]; notices: string[] }> {
  const { problems, fn } = await expandProblems(pool, expand, user);
  if (!fn || problems.length > 0) return { problems, notices: [] };
  const { isVolatile, asOwner, hasSearchPath, signature } = fn;
  const bad = (what: string) => `expand = ${formatCall(expand.call)}: ${what}`;
  if (isVolatile)
    problems.push(bad(`${signature} is VOLATILE, and may only read: ALTER FUNCTION ${signature} STABLE`));
  if (asOwner && !hasSearchPath)
    problems.push(
      bad(
        `${signature} is SECURITY DEFINER and has no search_path, so that others can have code run with its owner's rights: ALTER FUNCTION ${signature} SET search_path = public, pg_temp`,
      ),
    );
  problems.push(...(await answers(pool, handler, { expand, ask })));
  return { problems, notices: (await otherTypes(pool, expand, fn)).map(bad) };
}

/** Asks for the newest key of the handler. Without any: for one of NULLs, to which an error may be the right answer. */
async function answers(
  pool: Pool,
  handler: string,
  { expand, ask }: { expand: Expand; ask: AskDependents },
): Promise<string[]> {
  const json = await jsonOf(pool);
  const { rows } = await pool.query<{ key: unknown }>(
    `SELECT ${json.send(logKey)} AS key FROM uncached.log WHERE handler = $1 ORDER BY log.id DESC LIMIT 1`,
    [handler],
  );
  const key = rows[0] && (await json.read<Key>(rows[0].key));
  try {
    await ask(expand, [key ?? {}], 1);
    return [];
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return key || error.always ? [error.message] : [];
  }
}

/** Arguments whose type takes only some of the column's values. */
async function otherTypes(
  pool: Pool,
  { call, queue }: Expand,
  { types, signature }: ExpandFunction,
): Promise<string[]> {
  const table = queue === undefined ? undefined : await findRelation(pool, queue);
  if (!table) return [];
  const columns = (await queueColumns(pool, [table.oid])).get(table.oid) ?? [];
  return call.columns.flatMap((name, at) => {
    const column = columns.find((one) => one.name === name);
    const type = types[at];
    if (!column || !type || column.type === type || column.category !== 'S') return [];
    if (/^(text|character|character varying|name|citext)$/.test(type)) return [];
    return [
      `the column ${name} of ${queue} is ${column.type}, and ${signature} takes it as ${type}: a value that is none fails`,
    ];
  });
}
