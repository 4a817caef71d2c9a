import { readable } from '../core/bytes.ts';
import type { RowFailure } from '../core/consumer-contract.ts';
import type { Key, LogRow } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import { clip, longestError } from '../core/printable-text.ts';
import type { ClearRequirements, Plan, Step, TargetCache, WorkFailure } from '../core/target-cache.ts';
import {
  type ExpandedRows,
  expandRows,
  linesOfDependent,
  linesOfKey,
  mostDependents,
  type TooManyDependents,
} from './expand.ts';

export interface BatchOutcome {
  readonly files: number;
  /** The part of `files` that belongs to the handlers under `then`, by handler name. */
  readonly followers?: Readonly<Record<string, number>>;
  readonly paths?: readonly string[];
  /** Ids of the rows that are cleared, including the invalid rows. */
  readonly cleared: readonly number[];
  /** To be retried. */
  readonly failures: readonly RowFailure[];
  /**
   * Cleared as far as possible: some line makes nothing of their key, and a retry would not change that.
   */
  readonly invalid: readonly RowFailure[];
}

/**
 * Clears a batch of one handler's rows in one cache: what each key names, then once what follows a batch. If a
 * row's own work fails, only that row fails. If a shared one fails, all rows fail, since none is clear until it
 * is done.
 */
export function clearBatch(
  step: Step,
  rows: readonly LogRow[],
  cache: TargetCache,
  how: ClearRequirements = {},
): Promise<BatchOutcome> {
  return step.expand ? clearExpanded(step, rows, cache, how) : clearKeys(step, rows, cache, how);
}

/** Part by part, since the keys have dependents, which are asked for now. */
async function clearExpanded(
  step: Step,
  rows: readonly LogRow[],
  cache: TargetCache,
  how: ClearRequirements,
): Promise<BatchOutcome> {
  const { expand, dependents } = step;
  if (!expand || !dependents) throw new Error('Cannot clear: nobody can be asked what depends on a key');
  if (rows.length === 0) return clearKeys(step, rows, cache, how);
  const { wipesOver = mostDependents, canBeWiped = true } = cache;
  const most = Math.min(mostDependents, wipesOver);
  const outcomes: BatchOutcome[] = [];
  for await (const part of expandRows({ ...step, expand, dependents }, rows, { most, canBeWiped }))
    outcomes.push(
      part.kind === 'keys'
        ? await clearKeys(step, part.rows, cache, how, part)
        : await clearEverything(step, part, cache, how),
    );
  return outcomes.reduce(together);
}

/** Whatever the key: one of these rows has too many dependents. */
async function clearEverything(
  { plans, shared, dependents }: Step,
  { rows, why }: TooManyDependents,
  cache: TargetCache,
  how: ClearRequirements,
): Promise<BatchOutcome> {
  const ids = rows.map(({ id }) => id);
  dependents?.tell(
    `${why}: ${cache.wipe ? 'all of this cache' : 'everything that its lines can name'} is cleared`,
  );
  if (cache.wipe) {
    await cache.wipe();
    return { files: 0, cleared: ids, failures: [], invalid: [] };
  }
  const works = new Set([...plans.flatMap(({ everything }) => everything), ...shared]);
  const { files, failures, paths } = await cache.clear(works, how);
  const [failure] = failures;
  return {
    files,
    ...(paths && { paths }),
    cleared: failure ? [] : ids,
    failures: failure ? ids.map((id) => ({ id, ...toRowError(failure) })) : [],
    invalid: [],
  };
}

function together(one: BatchOutcome, other: BatchOutcome): BatchOutcome {
  const followers = new Map(Object.entries(one.followers ?? {}));
  for (const [name, files] of Object.entries(other.followers ?? {}))
    followers.set(name, (followers.get(name) ?? 0) + files);
  return {
    files: one.files + other.files,
    ...(followers.size > 0 && { followers: Object.fromEntries(followers) }),
    ...((one.paths || other.paths) && { paths: [...(one.paths ?? []), ...(other.paths ?? [])] }),
    cleared: [...one.cleared, ...other.cleared],
    failures: [...one.failures, ...other.failures],
    invalid: [...one.invalid, ...other.invalid],
  };
}

async function clearKeys(
  step: Step,
  rows: readonly LogRow[],
  cache: TargetCache,
  how: ClearRequirements,
  expanded?: ExpandedRows,
): Promise<BatchOutcome> {
  const errors = new Map<number, Omit<RowFailure, 'id'>>(expanded?.refused);
  const invalid = new Map<number, Omit<RowFailure, 'id'>>(expanded?.invalid);

  /**
   * Yields each work once, when somebody is free for it: the first files are deleted before the last patterns
   * are made.
   */
  function* works(): Generator<string | readonly string[], void> {
    const made = new Set(step.shared);
    for (const row of rows) {
      const { named, error } = expandAll(linesOfKey(step, row.key), row.key);
      if (error !== undefined) invalid.set(row.id, { error });
      const own = unmade(named, made);
      if (own.length > 1) yield own;
      else yield* own;
      for (const dependent of expanded?.dependents.get(row.id) ?? none) {
        const found = expandAll(linesOfDependent(step.plans, dependent), dependent);
        if (found.error !== undefined)
          invalid.set(row.id, { error: `in what depends on it: ${found.error}` });
        const more = unmade(found.named, made);
        if (more.length > 0) yield more;
      }
    }
    yield* step.shared;
  }

  const countApart = step.shared;
  const { files, filesApart, failures, paths } = await cache.clear(
    { [Symbol.iterator]: works },
    { ...how, ...(countApart.length > 0 && { countApart }) },
  );
  if (failures.length > 0) {
    const failing = new Map(failures.map((failure) => [failure.work, failure]));
    for (const row of rows) {
      const failure = failureOf(row, step, failing, expanded);
      if (failure && !errors.has(row.id)) errors.set(row.id, toRowError(failure));
    }
  }
  for (const id of errors.keys()) invalid.delete(id);

  return {
    files,
    ...(filesApart && { followers: byFollower(filesApart, step) }),
    ...(paths && { paths }),
    cleared: rows.flatMap(({ id }) => (errors.has(id) ? [] : [id])),
    failures: Array.from(errors, ([id, error]) => ({ id, ...error })),
    invalid: Array.from(invalid, ([id, error]) => ({ id, ...error })),
  };
}

const none: readonly Key[] = [];

/** Those that were not made before. */
function unmade(works: readonly string[], made: Set<string>): string[] {
  const own: string[] = [];
  for (const work of works) {
    if (made.has(work)) continue;
    made.add(work);
    own.push(work);
  }
  return own;
}

/** What the lines can make of this key, and the first error of the others. */
function expandAll(plans: readonly Plan[], key: Key): { named: string[]; error?: string } {
  const named: string[] = [];
  let error: string | undefined;
  for (const plan of plans) {
    try {
      named.push(plan.expand(key));
    } catch (thrown) {
      error ??= clip(readable(toError(thrown).message), longestError);
    }
  }
  return error === undefined ? { named } : { named, error };
}

function failureOf(
  { id, key }: LogRow,
  step: Step,
  failing: ReadonlyMap<string, WorkFailure>,
  expanded: ExpandedRows | undefined,
): WorkFailure | undefined {
  const first = (works: readonly string[]) =>
    works.map((work) => failing.get(work)).find((failure) => failure !== undefined);
  const own = first([...expandAll(linesOfKey(step, key), key).named, ...step.shared]);
  if (own) return own;
  for (const dependent of expanded?.dependents.get(id) ?? none) {
    const failure = first(expandAll(linesOfDependent(step.plans, dependent), dependent).named);
    if (failure) return failure;
  }
  return undefined;
}

function toRowError({ error, code }: WorkFailure): Omit<RowFailure, 'id'> {
  return { error, ...(code !== undefined && { code }) };
}

function byFollower(files: Readonly<Record<string, number>>, { followerOf }: Step): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [work, count] of Object.entries(files)) {
    const name = followerOf.get(work);
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return Object.fromEntries(sums);
}
