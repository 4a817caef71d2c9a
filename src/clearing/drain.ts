import type { Claim, JournalRow, Queue } from '../core/contracts.ts';
import { inOrder } from '../core/key.ts';
import { clearRows, type Means } from './clearing.ts';
import type { Handler } from './handler.ts';
import type { Pace } from './pace.ts';

/** Told after each batch: which rows are cleared once and have to settle, and whether some failed. */
export type Cleared = (outcome: { cleared: readonly number[]; failed: number; entries: number }) => void;

/**
 * Claims and clears until the queue table is empty. The last claim always begins at the start of the table: an id given early
 * may be committed late, behind the cursor.
 *
 * Returns true if rows remain that others hold locked: if their transaction rolls back, no notification will tell.
 */
export async function drain(
  handler: Handler,
  queue: Queue,
  { pace, onCleared, signal, ...means }: Means & { pace: Pace; onCleared: Cleared; signal: AbortSignal },
): Promise<boolean> {
  let after: string | null = null;
  while (!signal.aborted) {
    const started = means.clock.now();
    const limit = pace.size;
    const claim: Claim = await queue.claim(limit, after).catch((error) => {
      pace.failed();
      throw error;
    });
    pace.took(means.clock.now() - started);
    if (claim.rows.length > 0) await clearClaim(handler, claim, started, onCleared, means);
    const short = claim.entries < limit;
    if (short && after === null) return claim.remains;
    after = short ? null : claim.last;
  }
  return false;
}

/** What a handler without a queue does when it is woken: the same, with one row of its own making. */
export async function clearWithoutQueue(
  handler: Handler,
  { onCleared, ...means }: Means & { onCleared: Cleared },
): Promise<void> {
  const started = means.clock.now();
  const row: JournalRow = await means.journal.record(handler.name);
  await clearClaim(handler, { entries: 1, rows: [row], lagMs: null }, started, onCleared, means);
}

/** A line of the log tells what was cleared, and stays a line. */
const shownKeys = 3;

async function clearClaim(
  handler: Handler,
  { entries, rows, lagMs }: Pick<Claim, 'entries' | 'rows' | 'lagMs'>,
  started: number,
  onCleared: Cleared,
  means: Means,
): Promise<void> {
  const claimed = means.clock.now();
  const { files, cleared, failures } = await clearRows(handler, rows, means);
  const now = means.clock.now();
  means.observe({
    kind: 'cleared',
    handler: handler.name,
    entries,
    keys: rows.length,
    examples: rows.slice(0, shownKeys).map(({ key }) => inOrder(key, handler.columns)),
    files,
    ms: now - started,
    lagMs: lagMs === null ? null : lagMs + now - claimed,
  });
  onCleared({ cleared, failed: failures.length, entries });
}
