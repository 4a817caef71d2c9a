import type { Cache, Clock, Journal, JournalRow } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';
import type { Aside } from './aside.ts';
import { type BatchOutcome, clearBatch } from './batch.ts';
import type { RunCommand } from './command.ts';
import type { Handler } from './handler.ts';
import type { InHand } from './in-hand.ts';

/** What every clearing works with. */
export interface Means {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly journal: Journal;
  readonly cache: Cache;
  readonly run: RunCommand;
  readonly clock: Clock;
  readonly observe: Observe;
  /** Called when the journal keeps rows for a later try. */
  readonly onFailed: () => void;
  readonly inHand: InHand;
  /** Absent: everything is done in turn. */
  readonly aside?: Aside;
}

/** Clears rows of one handler; the journal keeps the ones that failed for a later try. */
export async function clearRows(
  handler: Handler,
  rows: readonly JournalRow[],
  means: Means,
): Promise<BatchOutcome> {
  means.inHand.hold(rows);
  try {
    return await clearAll(handler, rows, means);
  } finally {
    means.inHand.release(rows);
  }
}

async function clearAll(handler: Handler, rows: readonly JournalRow[], means: Means): Promise<BatchOutcome> {
  const outcome = await clearBatch(handler, rows, means);
  if (outcome.failures.length > 0) {
    await means.journal.fail(outcome.failures);
    means.onFailed();
  }
  means.observe({ kind: 'tried', handler: handler.name, ...outcome });
  return outcome;
}

/** Clears rows of any handlers. Rows of a handler that is no longer configured stay: nobody knows what they name. */
export async function clearMixed(
  rows: readonly JournalRow[],
  means: Means,
): Promise<{ files: number; cleared: number[]; failed: number; orphaned: ReadonlyMap<string, number> }> {
  const total = { files: 0, cleared: [] as number[], failed: 0, orphaned: new Map<string, number>() };
  for (const [name, own] of byHandler(rows)) {
    const handler = means.handlers.get(name);
    if (!handler) {
      total.orphaned.set(name, own.length);
      continue;
    }
    const { files, cleared, failures } = await clearRows(handler, own, means);
    total.files += files;
    total.cleared.push(...cleared);
    total.failed += failures.length;
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
