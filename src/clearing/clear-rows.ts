import type { Cache, Clock, Journal, JournalRow, RowFailure } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';
import type { Timings } from '../core/timings.ts';
import type { Wakeup } from '../core/wakeup.ts';
import { type BatchOutcome, clearBatch } from './batch.ts';
import type { RunCommand } from './command.ts';
import type { Handler } from './handler.ts';
import type { InFlight } from './in-flight.ts';
import type { Lanes } from './lanes.ts';

/** What clearing needs from outside. */
export interface ClearingParts {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly journal: Journal;
  readonly cache: Cache;
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly timings: Timings;
}

/** What every clearing works with: the outside, and what the stages of the pipeline share (pipeline.ts). */
export interface ClearingContext extends ClearingParts {
  readonly inFlight: InFlight;
  /** Of handlers that run a command: their work must not hold up that of the others. */
  readonly lanes: Lanes;
  /** Woken when the journal keeps rows for a retry. */
  readonly retries: Wakeup;
}

/** Clears rows of one handler; the journal keeps the failed ones for a retry. */
export async function clearHandlerRows(
  handler: Handler,
  rows: readonly JournalRow[],
  context: ClearingContext,
): Promise<BatchOutcome> {
  context.inFlight.add(rows);
  try {
    return await clearAll(handler, rows, context);
  } finally {
    context.inFlight.remove(rows);
  }
}

async function clearAll(
  handler: Handler,
  rows: readonly JournalRow[],
  context: ClearingContext,
): Promise<BatchOutcome> {
  // Rows cleared here are settled later. For the second clearing, settling.ts passes a cache that drops this
  // option.
  const outcome = await clearBatch(handler, rows, context, { secondFollows: true });
  if (outcome.failures.length > 0) {
    await context.journal.fail(outcome.failures);
    context.retries.wake();
  }
  context.observe({ kind: 'batch-done', handler: handler.name, ...outcome, ...splitInvalid(outcome, rows) });
  return outcome;
}

function splitInvalid({ cleared, invalid }: BatchOutcome, rows: readonly JournalRow[]) {
  if (invalid.length === 0) return { cleared, invalid: [] };
  const known = new Map(rows.map((row) => [row.id, row.invalid ?? false]));
  const ids = new Set(invalid.map(({ id }) => id));
  return {
    cleared: cleared.filter((id) => !ids.has(id)),
    invalid: invalid.map((failure) => ({ ...failure, known: known.get(failure.id) ?? false })),
  };
}

/**
 * Clears rows of any handlers. Rows of a handler that is no longer configured stay: its templates are
 * unknown.
 */
export async function clearRows(
  rows: readonly JournalRow[],
  context: ClearingContext,
): Promise<Omit<BatchOutcome, 'failures'>> {
  const total = { files: 0, cleared: [] as number[], invalid: [] as RowFailure[] };
  for (const [name, own] of byHandler(rows)) {
    const handler = context.handlers.get(name);
    if (!handler) continue;
    const { files, cleared, invalid } = await clearHandlerRows(handler, own, context);
    total.files += files;
    for (const id of cleared) total.cleared.push(id);
    for (const failure of invalid) total.invalid.push(failure);
  }
  return total;
}

function byHandler(rows: readonly JournalRow[]): Map<string, JournalRow[]> {
  const groups = new Map<string, JournalRow[]>();
  for (const row of rows) {
    const group = groups.get(row.handler);
    if (group) group.push(row);
    else groups.set(row.handler, [row]);
  }
  return groups;
}
