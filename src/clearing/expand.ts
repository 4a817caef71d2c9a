import { hasBytes } from '../core/bytes.ts';
import { formatCall } from '../core/configuration.ts';
import type { RowFailure } from '../core/consumer-contract.ts';
import type { Key, LogRow } from '../core/contracts.ts';
import { type AskDependents, type Dependents, Refusal } from '../core/dependents.ts';
import type { Observe } from '../core/events.ts';
import { clipAll } from '../core/printable-text.ts';
import type { Expand, Plan, Step } from '../core/target-cache.ts';
import { formatOversize, keySize } from '../core/value-size.ts';

/** With more dependents than this, everything that the handler can name is cleared instead. */
export const mostDependents = 100_000;

/** Keys of one statement, as many as a claim takes. */
const mostKeys = 1_000;

/** A step whose dependents can be asked for. */
export type ExpandingStep = Step & Required<Pick<Step, 'expand' | 'dependents'>>;

/** Rows to clear together, with what depends on them. */
export interface ExpandedRows {
  readonly kind: 'keys';
  readonly rows: LogRow[];
  /** By id. A dependent is the key with what the function returned in place of its own columns. */
  readonly dependents: Map<number, readonly Key[]>;
  /** What depends on these is unknown: they are to be retried. */
  readonly refused: Map<number, Omit<RowFailure, 'id'>>;
  /** Nobody can be asked about their key, and a retry would not change that. */
  readonly invalid: Map<number, Omit<RowFailure, 'id'>>;
}

/** One of these rows has too many dependents, so that everything is cleared, which serves all of them. */
export interface TooManyDependents {
  readonly kind: 'everything';
  readonly rows: readonly LogRow[];
  readonly why: string;
}

/**
 * Asks what depends on the keys of rows, just before these are cleared: each clearing sees the graph as it is
 * then. That is right if each change of the graph enqueues the key whose own page it changes.
 *
 * Statements have many keys. One that is refused, or returns too much, is asked again by halves, until the key
 * that fails is alone; then with more keys each time. So at most twice `most` dependents are in memory.
 */
export async function* expandRows(
  { expand, dependents }: ExpandingStep,
  rows: readonly LogRow[],
  { most, canBeWiped }: { most: number; canBeWiped: boolean },
): AsyncGenerator<ExpandedRows | TooManyDependents, void> {
  let part = emptyPart();
  let count = 0;
  let size = mostKeys;
  const keys: LogRow[] = [];
  for (const row of rows) {
    const error = whyUnaskable(row, expand);
    if (error === undefined) keys.push(row);
    else {
      part.rows.push(row);
      part.invalid.set(row.id, { error });
    }
  }
  for (let at = 0; at < keys.length; ) {
    const asked = keys.slice(at, at + size);
    const answer = await ask(dependents, asked, most);
    if (asked.length > 1 && (answer === undefined || (answer instanceof Refusal && !answer.always))) {
      size = Math.ceil(asked.length / 2);
      continue;
    }
    const why = answer === undefined ? tooMany(asked, expand, most) : '';
    if (answer === undefined && canBeWiped) {
      yield { kind: 'everything', rows: [...part.rows, ...keys.slice(at)], why };
      return;
    }
    const found =
      answer ??
      new Refusal(`${why}, and there is no "everything" to empty this cache with`, { always: false });
    if (found instanceof Refusal) {
      const failing = found.always ? keys.slice(at) : asked;
      for (const row of failing) {
        part.rows.push(row);
        part.refused.set(row.id, { error: found.message });
      }
      at += failing.length;
    } else {
      const more = found.reduce((sum, one) => sum + one.length, 0);
      if (count + more > most && part.rows.length > 0) {
        yield part;
        part = emptyPart();
        count = 0;
      }
      count += more;
      for (const [nth, row] of asked.entries()) {
        part.rows.push(row);
        part.dependents.set(
          row.id,
          (found[nth] ?? []).map((one) => ({ ...row.key, ...one })),
        );
      }
      at += asked.length;
    }
    size = Math.min(size * 2, mostKeys);
  }
  if (part.rows.length > 0) yield part;
}

function tooMany([row]: readonly LogRow[], { call }: Expand, most: number): string {
  return `by ${formatCall(call)} over ${most} keys depend on ${JSON.stringify(clipAll(row?.key ?? {}))}`;
}

function emptyPart(): ExpandedRows {
  return { kind: 'keys', rows: [], dependents: new Map(), refused: new Map(), invalid: new Map() };
}

async function ask(
  dependents: Dependents,
  rows: readonly LogRow[],
  most: number,
): Promise<(readonly Key[])[] | Refusal | undefined> {
  try {
    return await dependents.of(
      rows.map(({ key }) => key),
      most,
    );
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** Why the function cannot be given this key. */
function whyUnaskable({ key }: LogRow, { call }: Expand): string | undefined {
  for (const column of call.columns) {
    const value = key[column];
    const size = value ? formatOversize(value) : undefined;
    const what =
      value === undefined
        ? key[keySize] === undefined
          ? 'is not in the key'
          : `is in a key of ${key[keySize]}`
        : size !== undefined
          ? `is ${size}`
          : value !== null && hasBytes(value)
            ? 'has bytes that are no text'
            : undefined;
    if (what !== undefined) return `column ${column} ${what}: ${formatCall(call)} cannot be asked`;
  }
  return undefined;
}

/** The lines that name pages of the key itself: those whose columns it has. */
export function linesOfKey({ plans, expand }: Pick<Step, 'plans' | 'expand'>, key: Key): readonly Plan[] {
  if (!expand) return plans;
  return plans.filter(({ columns }) => columns.every((column) => key[column] !== undefined));
}

/** A dependent that has NULL in a column has no page by the lines that name it. */
export function linesOfDependent(plans: readonly Plan[], dependent: Key): readonly Plan[] {
  return plans.filter(({ columns }) => columns.every((column) => dependent[column] !== null));
}

/** The steps with somebody who asks what depends on their keys. */
export function askedBy<S extends Step>(
  steps: ReadonlyMap<string, S>,
  ask: AskDependents,
  observe: Observe,
): Map<string, S> {
  return new Map(Array.from(steps, ([handler, step]) => [handler, withDependents(step, ask, observe)]));
}

export function withDependents<S extends Step>(step: S, ask: AskDependents, observe: Observe): S {
  const { expand } = step;
  if (!expand) return step;
  const dependents: Dependents = {
    of: (keys, most) => ask(expand, keys, most),
    tell: (text) => observe({ kind: 'notice', text }),
  };
  return { ...step, dependents };
}
