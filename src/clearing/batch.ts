import { readable } from '../core/bytes.ts';
import type { Cache, ClearFailure, ClearRequirements, JournalRow, RowFailure } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import { clip, longestError } from '../core/printable-text.ts';
import type { RunCommand } from './command.ts';
import type { Handler } from './handler.ts';

export interface BatchOutcome {
  readonly files: number;
  /** The part of `files` that belongs to the handlers under `then`, by handler name. */
  readonly followers?: Readonly<Record<string, number>>;
  readonly paths?: readonly string[];
  /** Ids of the rows whose every file is gone, including the invalid rows. */
  readonly cleared: readonly number[];
  /** To be retried. */
  readonly failures: readonly RowFailure[];
  /**
   * Cleared as far as possible: some template makes no path of their key, and a retry would not change that.
   */
  readonly invalid: readonly RowFailure[];
}

/**
 * Clears a batch of one handler's journal rows: each key's files, then once what follows a batch. If a row's
 * own files fail, only that row fails. If a shared file or a command fails, all rows fail, since none is
 * clear until it is done.
 */
export async function clearBatch(
  handler: Handler,
  rows: readonly JournalRow[],
  { cache, run }: { cache: Cache; run: RunCommand },
  how: ClearRequirements = {},
): Promise<BatchOutcome> {
  const errors = new Map<number, Omit<RowFailure, 'id'>>();
  const invalid = new Map<number, Omit<RowFailure, 'id'>>();

  /**
   * Yields each pattern once, when a worker is free for it: the first files are deleted before the last
   * patterns are made.
   */
  function* patterns(): Generator<string | readonly string[], void> {
    const made = new Set(handler.sharedPatterns);
    for (const row of rows) {
      const own: string[] = [];
      const { named, error } = expandAll(handler, row);
      if (error !== undefined) invalid.set(row.id, { error });
      for (const pattern of named) {
        if (made.has(pattern)) continue;
        made.add(pattern);
        own.push(pattern);
      }
      if (own.length > 1) yield own;
      else yield* own;
    }
    yield* handler.sharedPatterns;
  }

  const countApart = handler.sharedPatterns;
  const { files, filesApart, failures, paths } = await cache.clear(
    { [Symbol.iterator]: patterns },
    { ...how, ...(countApart.length > 0 && { countApart }) },
  );
  if (failures.length > 0) {
    const failing = new Map(failures.map((failure) => [failure.pattern, failure]));
    for (const row of rows) {
      const failure = failureOf(row, handler, failing);
      if (failure) errors.set(row.id, describeFailure(failure));
    }
  }

  const failed = await runAll(handler.commands, run);
  if (failed !== undefined) for (const { id } of rows) if (!errors.has(id)) errors.set(id, { error: failed });
  for (const id of errors.keys()) invalid.delete(id);

  return {
    files,
    ...(filesApart && { followers: byFollower(filesApart, handler) }),
    ...(paths && { paths }),
    cleared: rows.flatMap(({ id }) => (errors.has(id) ? [] : [id])),
    failures: Array.from(errors, ([id, error]) => ({ id, ...error })),
    invalid: Array.from(invalid, ([id, error]) => ({ id, ...error })),
  };
}

/** The patterns of the templates that can make a path of this key, and the first error of the others. */
function expandAll({ templates }: Handler, { key }: JournalRow): { named: string[]; error?: string } {
  const named: string[] = [];
  let error: string | undefined;
  for (const template of templates) {
    try {
      named.push(template.expand(key));
    } catch (thrown) {
      error ??= clip(readable(toError(thrown).message), longestError);
    }
  }
  return error === undefined ? { named } : { named, error };
}

function failureOf(
  row: JournalRow,
  handler: Handler,
  failing: ReadonlyMap<string, ClearFailure>,
): ClearFailure | undefined {
  const patterns = [...expandAll(handler, row).named, ...handler.sharedPatterns];
  return patterns.map((pattern) => failing.get(pattern)).find((failure) => failure !== undefined);
}

function byFollower(
  files: Readonly<Record<string, number>>,
  { followerOf }: Handler,
): Record<string, number> {
  const sums = new Map<string, number>();
  for (const [pattern, count] of Object.entries(files)) {
    const name = followerOf.get(pattern);
    if (name !== undefined) sums.set(name, (sums.get(name) ?? 0) + count);
  }
  return Object.fromEntries(sums);
}

async function runAll(commands: Handler['commands'], run: RunCommand): Promise<string | undefined> {
  for (const command of commands) {
    try {
      await run(command);
    } catch (error) {
      return toError(error).message;
    }
  }
  return undefined;
}

function describeFailure({ path, code, message, refused }: ClearFailure): Omit<RowFailure, 'id'> {
  return { error: clip(`cannot ${refused ?? 'delete'} ${path}: ${code}, ${message}`, longestError), code };
}
