import { readable } from '../core/bytes.ts';
import type { Cache, ClearFailure, JournalRow, RowFailure } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import type { RunCommand } from './command.ts';
import type { Handler } from './handler.ts';

export interface BatchOutcome {
  readonly files: number;
  readonly paths?: readonly string[];
  /** Ids of the rows whose every file is gone. */
  readonly cleared: readonly number[];
  readonly failures: readonly RowFailure[];
}

/**
 * Clears what a batch of one handler's journal rows names: each key's files, then once what follows a batch. A row fails alone if
 * its own key or files do; what is shared fails for all, since no row is clear until it is done.
 */
export async function clearBatch(
  handler: Handler,
  rows: readonly JournalRow[],
  { cache, run }: { cache: Cache; run: RunCommand },
): Promise<BatchOutcome> {
  const errors = new Map<number, Omit<RowFailure, 'id'>>();

  /** Each once, made when a hand is free for it: the first files go while the patterns of the last rows are still to be made. */
  function* patterns(): Generator<string, void> {
    const made = new Set(handler.sharedPatterns);
    for (const { id, key } of rows) {
      try {
        for (const template of handler.templates) {
          const pattern = template.expand(key);
          if (made.has(pattern)) continue;
          made.add(pattern);
          yield pattern;
        }
      } catch (error) {
        errors.set(id, { error: readable(toError(error).message) });
      }
    }
    yield* handler.sharedPatterns;
  }

  const { files, failures, paths } = await cache.clear(patterns());
  if (failures.length > 0) {
    const failing = new Map(failures.map((failure) => [failure.pattern, failure]));
    for (const row of rows) {
      const failure = errors.has(row.id) ? undefined : failureOf(row, handler, failing);
      if (failure) errors.set(row.id, told(failure));
    }
  }

  const failed = await runAll(handler.commands, run);
  if (failed !== undefined) for (const { id } of rows) if (!errors.has(id)) errors.set(id, { error: failed });

  return {
    files,
    ...(paths && { paths }),
    cleared: rows.flatMap(({ id }) => (errors.has(id) ? [] : [id])),
    failures: Array.from(errors, ([id, error]) => ({ id, ...error })),
  };
}

function failureOf(
  { key }: JournalRow,
  { templates, sharedPatterns }: Handler,
  failing: ReadonlyMap<string, ClearFailure>,
): ClearFailure | undefined {
  const patterns = [...templates.map((template) => template.expand(key)), ...sharedPatterns];
  return patterns.map((pattern) => failing.get(pattern)).find((failure) => failure !== undefined);
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

function told({ path, code, message }: ClearFailure): Omit<RowFailure, 'id'> {
  return { error: `cannot delete ${path}: ${code}, ${message}`, code };
}
