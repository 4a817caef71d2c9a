import type { Claim, JournalRow, Queue } from '../core/contracts.ts';
import { inOrder } from '../core/key.ts';
import { clearRows, type Means } from './clearing.ts';
import type { Handler } from './handler.ts';
import type { Pace } from './pace.ts';

/** Told after each batch, and at the end: which rows are cleared once and have to settle, and whether some failed. */
export type Cleared = (outcome: Outcome) => void;

interface Outcome {
  readonly cleared: readonly number[];
  readonly failed: number;
  readonly entries: number;
  /** Another batch follows at once. */
  readonly more: boolean;
}

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
  let remains = false;
  // While the files of a batch go, the next is claimed.
  let clearing: Promise<void> = Promise.resolve();
  try {
    for (let done = false; !done && !signal.aborted; ) {
      const started = means.clock.now();
      const limit = pace.size;
      const claim: Claim = await queue.claim(limit, after).catch((error) => {
        pace.failed();
        throw error;
      });
      pace.took(means.clock.now() - started);
      await keepInHand(claim.rows, clearing, means);
      const short = claim.entries < limit;
      done = short && after === null;
      after = short ? null : claim.last;
      remains = claim.remains;
      if (claim.rows.length === 0) continue;
      clearing = clearClaim(
        handler,
        claim,
        started,
        (outcome) => onCleared({ ...outcome, more: !short }),
        means,
      );
      // Told by whoever awaits it, which may be a claim later.
      clearing.catch(() => {});
    }
  } finally {
    await clearing;
  }
  // The last batch may have been a full one.
  onCleared({ cleared: [], failed: 0, entries: 0, more: false });
  return remains && !signal.aborted;
}

/** Rows that wait for the batch before them are not forgotten; should that fail, they are left to the journal. */
async function keepInHand(
  rows: readonly JournalRow[],
  before: Promise<void>,
  { inHand }: Pick<Means, 'inHand'>,
): Promise<void> {
  for (const { id } of rows) inHand.add(id);
  try {
    await before;
  } catch (error) {
    for (const { id } of rows) inHand.delete(id);
    throw error;
  }
}

/** What a handler without a queue does when it is woken: the same, with one row of its own making. */
export async function clearWithoutQueue(
  handler: Handler,
  { onCleared, ...means }: Means & { onCleared: Cleared },
): Promise<void> {
  const started = means.clock.now();
  const row: JournalRow = await means.journal.record(handler.name);
  await clearClaim(
    handler,
    { entries: 1, rows: [row], lagMs: null },
    started,
    (outcome) => onCleared({ ...outcome, more: false }),
    means,
  );
}

/** A line of the log tells what was cleared, and stays a line. */
const shownKeys = 3;

async function clearClaim(
  handler: Handler,
  { entries, rows, lagMs }: Pick<Claim, 'entries' | 'rows' | 'lagMs'>,
  started: number,
  onCleared: (outcome: Omit<Outcome, 'more'>) => void,
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
