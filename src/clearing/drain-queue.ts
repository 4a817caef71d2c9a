import type { Claim, JournalRow, Queue } from '../core/contracts.ts';
import { batchEvent } from './batch-event.ts';
import type { AdaptiveBatchSize } from './batch-size.ts';
import type { Handler } from './handler.ts';
import type { Pipeline } from './pipeline.ts';
import { ClaimPrefetch, type TimedClaim } from './prefetch.ts';

interface Draining {
  readonly pipeline: Pipeline;
  readonly pace: AdaptiveBatchSize;
  /** Called after each batch with the number of entries claimed, whether they could be cleared or not. */
  readonly onBatch: (batch: { entries: number }) => void;
  readonly signal: AbortSignal;
}

/**
 * Claims and clears until the queue table is empty. The last claim always begins at the start of the table:
 * an id given early may be committed late, behind the cursor.
 *
 * Returns true if rows remain that others hold locked: if their transaction rolls back, no notification
 * comes.
 */
export async function drainQueue(
  handler: Handler,
  queue: Queue,
  { pipeline, pace, onBatch, signal }: Draining,
): Promise<boolean> {
  const { clock, inFlight } = pipeline.context;
  let after: string | null = null;
  let remains = false;
  let done = false;
  const ahead = new ClaimPrefetch({
    async clear(claims) {
      await clearClaims(handler, claims, pipeline, () => !done || ahead.hasBuffered);
      onBatch({ entries: claims.reduce((sum, { entries }) => sum + entries, 0) });
    },
    inFlight,
    signal,
  });
  try {
    while (!done && !signal.aborted) {
      const started = clock.now();
      const limit = pace.size;
      const claim: Claim = await queue.claim(limit, after).catch((error) => {
        pace.failed();
        throw error;
      });
      pace.succeeded(clock.now() - started);
      const short = claim.entries < limit && !claim.cut;
      done = short && after === null;
      after = short ? null : claim.last;
      remains = claim.remains;
      await ahead.add({ ...claim, started, claimed: clock.now() });
    }
  } finally {
    await ahead.end();
  }
  // A claim that found nothing may have been the last one.
  pipeline.settling.add([]);
  return remains && !signal.aborted;
}

/** The same for a handler without a queue when it is woken, with one journal row that it makes itself. */
export async function clearWithoutQueue(handler: Handler, pipeline: Pipeline): Promise<void> {
  const { clock, journal } = pipeline.context;
  const started = clock.now();
  const row: JournalRow = await journal.record(handler.name);
  const claim = { entries: 1, rows: [row], lagMs: null, started, claimed: clock.now() };
  await clearClaims(handler, [claim], pipeline, () => false);
}

async function clearClaims(
  handler: Handler,
  claims: readonly TimedClaim[],
  pipeline: Pipeline,
  isMoreComing: () => boolean,
): Promise<void> {
  const { clock, observe } = pipeline.context;
  const rows = claims.flatMap((claim) => claim.rows);
  const { files, failures, invalid } = await pipeline.clearClaimed(handler, rows, isMoreComing);
  const failed = new Set([...failures, ...invalid].map(({ id }) => id));
  observe(batchEvent(handler, claims, { files, failed, now: clock.now() }));
}
