import type { Claim, JournalRow, Queue } from '../core/contracts.ts';
import { inOrder } from '../core/key.ts';
import { Ahead, type Claimed } from './ahead.ts';
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
  let done = false;
  const ahead = new Ahead({
    clear: (claims) =>
      clearClaims(handler, claims, (outcome) => onCleared({ ...outcome, more: !done || ahead.waits }), means),
    inHand: means.inHand,
    signal,
  });
  try {
    while (!done && !signal.aborted) {
      const started = means.clock.now();
      const limit = pace.size;
      const claim: Claim = await queue.claim(limit, after).catch((error) => {
        pace.failed();
        throw error;
      });
      pace.took(means.clock.now() - started);
      const short = claim.entries < limit;
      done = short && after === null;
      after = short ? null : claim.last;
      remains = claim.remains;
      await ahead.add({ ...claim, started, claimed: means.clock.now() });
    }
  } finally {
    await ahead.end();
  }
  // Claims that found nothing may have been the last.
  onCleared({ cleared: [], failed: 0, entries: 0, more: false });
  return remains && !signal.aborted;
}

/** What a handler without a queue does when it is woken: the same, with one row of its own making. */
export async function clearWithoutQueue(
  handler: Handler,
  { onCleared, ...means }: Means & { onCleared: Cleared },
): Promise<void> {
  const started = means.clock.now();
  const row: JournalRow = await means.journal.record(handler.name);
  await clearClaims(
    handler,
    [{ entries: 1, rows: [row], lagMs: null, started, claimed: means.clock.now() }],
    (outcome) => onCleared({ ...outcome, more: false }),
    means,
  );
}

/** A line of the log tells what was cleared, and stays a line. */
const shownKeys = 3;

async function clearClaims(
  handler: Handler,
  claims: readonly Claimed[],
  onCleared: (outcome: Omit<Outcome, 'more'>) => void,
  means: Means,
): Promise<void> {
  const rows = claims.flatMap((claim) => claim.rows);
  const entries = claims.reduce((sum, claim) => sum + claim.entries, 0);
  const { files, cleared, failures } = await clearRows(handler, rows, means);
  const now = means.clock.now();
  const lags = claims.flatMap(({ lagMs, claimed }) => (lagMs === null ? [] : [lagMs + now - claimed]));
  means.observe({
    kind: 'cleared',
    handler: handler.name,
    entries,
    keys: rows.length,
    examples: rows.slice(0, shownKeys).map(({ key }) => inOrder(key, handler.columns)),
    files,
    ms: now - Math.min(...claims.map(({ started }) => started)),
    lagMs: lags.length > 0 ? Math.max(...lags) : null,
  });
  onCleared({ cleared, failed: failures.length, entries });
}
