import { readable } from '../core/bytes.ts';
import type { RowFailure } from '../core/consumer-contract.ts';
import type { LogRow } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import { clip, longestError } from '../core/printable-text.ts';
import type { ClearRequirements, Step, TargetCache, WorkFailure } from '../core/target-cache.ts';

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
export async function clearBatch(
  step: Step,
  rows: readonly LogRow[],
  cache: TargetCache,
  how: ClearRequirements = {},
): Promise<BatchOutcome> {
  const errors = new Map<number, Omit<RowFailure, 'id'>>();
  const invalid = new Map<number, Omit<RowFailure, 'id'>>();

  /**
   * Yields each work once, when somebody is free for it: the first files are deleted before the last patterns
   * are made.
   */
  function* works(): Generator<string | readonly string[], void> {
    const made = new Set(step.shared);
    for (const row of rows) {
      const own: string[] = [];
      const { named, error } = expandAll(step, row);
      if (error !== undefined) invalid.set(row.id, { error });
      for (const work of named) {
        if (made.has(work)) continue;
        made.add(work);
        own.push(work);
      }
      if (own.length > 1) yield own;
      else yield* own;
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
      const failure = failureOf(row, step, failing);
      if (failure)
        errors.set(row.id, {
          error: failure.error,
          ...(failure.code !== undefined && { code: failure.code }),
        });
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

/** What the lines can make of this key, and the first error of the others. */
function expandAll({ plans }: Step, { key }: LogRow): { named: string[]; error?: string } {
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
  row: LogRow,
  step: Step,
  failing: ReadonlyMap<string, WorkFailure>,
): WorkFailure | undefined {
  const works = [...expandAll(step, row).named, ...step.shared];
  return works.map((work) => failing.get(work)).find((failure) => failure !== undefined);
}

function byFollower(files: Readonly<Record<string, number>>, { followerOf }: Step): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [work, count] of Object.entries(files)) {
    const name = followerOf.get(work);
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return Object.fromEntries(sums);
}
