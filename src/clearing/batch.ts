import { readable } from '../core/bytes.ts';
import type { Cache, Cleared, ClearFailure, JournalRow, RowFailure } from '../core/contracts.ts';
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
  const asking = new Map<string, number[]>();
  for (const { id, key } of rows) {
    try {
      for (const template of handler.templates) {
        const pattern = template.expand(key);
        const ids = asking.get(pattern);
        if (ids) ids.push(id);
        else asking.set(pattern, [id]);
      }
    } catch (error) {
      errors.set(id, { error: readable(toError(error).message) });
    }
  }

  const { files, failures, paths } = await clearInParts(
    [...new Set([...asking.keys(), ...handler.sharedPatterns])],
    cache,
  );
  for (const failure of failures) {
    const ids = handler.sharedPatterns.includes(failure.pattern)
      ? rows.map(({ id }) => id)
      : asking.get(failure.pattern);
    for (const id of ids ?? []) if (!errors.has(id)) errors.set(id, told(failure));
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

/** What others ask of the cache meanwhile has its turn in between: a single event does not wait for a large settling. */
async function clearInParts(patterns: readonly string[], cache: Cache): Promise<Cleared> {
  let files = 0;
  const failures: ClearFailure[] = [];
  let paths: string[] | undefined;
  for (let from = 0; from < patterns.length; from += patternsAtOnce) {
    const part = await cache.clear(patterns.slice(from, from + patternsAtOnce));
    files += part.files;
    failures.push(...part.failures);
    if (part.paths) paths = [...(paths ?? []), ...part.paths];
  }
  return { files, failures, ...(paths && { paths }) };
}

const patternsAtOnce = 2_000;

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
