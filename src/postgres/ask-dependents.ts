import { type Call, formatCall } from '../core/configuration.ts';
import type { Key } from '../core/contracts.ts';
import { type AskDependents, Refusal } from '../core/dependents.ts';
import { errorCode, isLocked, isOutage, toError } from '../core/errors.ts';
import type { Expand } from '../core/target-cache.ts';
import { openTurns } from '../core/turns.ts';
import { withAdvice } from './advice.ts';
import { dependentConnections } from './connection-count.ts';
import { dependentsAdvice } from './dependents-advice.ts';
import { type DependentsStatement, dependentsStatement } from './dependents-statement.ts';
import { type ExpandFunction, findExpandFunction, functionProblems } from './expand-function.ts';
import { type Json, jsonOf } from './json.ts';
import type { Pool } from './pool.ts';

/**
 * Asks functions what depends on keys. The statement is sent after the claim was committed, so it sees what the
 * transactions of these entries did.
 * @param pool whose sessions only read: a function that writes is an error
 */
export function openDependents(pool: Pool, user: string): AskDependents {
  const known = new Map<Expand, ReturnType<typeof lookUp>>();
  // Waiting for a connection would be a time-out, while the functions asked before are only slow.
  const turns = openTurns({ atOnce: dependentConnections });

  async function lookUp(expand: Expand): Promise<{ fn: ExpandFunction; asks: Asks }> {
    const { call, named } = expand;
    const fn = await findExpandFunction(pool, call);
    if ('problem' in fn) throw new Refusal(`expand = ${formatCall(call)}: ${fn.problem}`, { always: true });
    const problems = await functionProblems(pool, expand, fn, user);
    if (problems.length > 0) throw new Refusal(problems.join('; '), { always: true });
    const json = await jsonOf(pool);
    return { fn, asks: { statement: dependentsStatement(fn, named, json), json } };
  }

  async function attempt(expand: Expand, keys: readonly Key[], most: number) {
    const { call } = expand;
    const before = known.get(expand);
    const found = before ?? lookUp(expand);
    known.set(expand, found);
    try {
      const { fn, asks } = await found;
      try {
        return await answer(asks, call.columns, keys, most);
      } catch (error) {
        if (!isRefusal(error) || (before && isOfStatement(error))) throw error;
        const always =
          isLocked(error) || (isOfStatement(error) && (await isRefusedAlways(asks, call, error)));
        throw new Refusal(dependentsAdvice(call, fn, error), { always });
      }
    } catch (error) {
      known.delete(expand);
      if (error instanceof Refusal) throw error;
      // It may have been replaced since it was looked up.
      if (before && isOfStatement(error)) return attempt(expand, keys, most);
      throw withAdvice(`Cannot ask ${formatCall(call)}`, error);
    }
  }

  return (expand, keys, most) => turns(() => attempt(expand, keys, most));

  async function answer(
    { statement, json }: Asks,
    columns: readonly string[],
    keys: readonly Key[],
    most: number,
  ): Promise<(readonly Key[])[] | undefined> {
    const given = columns.map((column) => keys.map((key) => key[column] ?? null));
    const { rows } = await pool.query<{ found: unknown }>({
      name: statement.name,
      text: statement.text,
      values: [most, ...given],
    });
    const found = await json.read<Found | null>(rows[0]?.found ?? null);
    return found === null ? undefined : grouped(found, statement.columns, keys.length);
  }

  /** Whether no key would do, as if a right is missing: then a key without values is refused like others. */
  async function isRefusedAlways(asks: Asks, { columns }: Call, thrown: unknown): Promise<boolean> {
    try {
      await answer(asks, columns, [{}], 1);
      return false;
    } catch (error) {
      return toError(error).message === toError(thrown).message;
    }
  }
}

interface Asks {
  readonly statement: DependentsStatement;
  readonly json: Json;
}

/** Each the number of a key, from 1, and the texts of the columns. */
type Found = readonly (readonly [place: number, ...texts: (string | null)[]])[];

function grouped(found: Found, columns: readonly string[], keys: number): (readonly Key[])[] {
  const groups = Array.from({ length: keys }, (): Key[] => []);
  for (const [place, ...texts] of found)
    groups[place - 1]?.push(Object.fromEntries(columns.map((column, at) => [column, texts[at] ?? null])));
  return groups;
}

/** Class 42: something is missing, or may not be used. */
function isOfStatement(error: unknown): boolean {
  return errorCode(error)?.startsWith('42') ?? false;
}

/**
 * The server has refused the statement. With a lost connection, or where there was none to be had, it was not
 * asked, and the rows wait; a retry would not help the others either. 25006: the function wants to write.
 */
function isRefusal(thrown: unknown): boolean {
  const code = errorCode(thrown) ?? '';
  if (code === '25006') return true;
  return /^[0-9A-Z]{5}$/.test(code) && !isOutage(toError(thrown)) && !/^(28|3D|40|53300)/.test(code);
}
