import type { Log } from '../core/consumer-contract.ts';
import type { Claim, Clock, Queue } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';
import { batchEvent } from './batch-event.ts';
import type { AdaptiveBatchSize } from './batch-size.ts';
import type { ClaimsUnderWay } from './claims-under-way.ts';
import type { Handler } from './handler.ts';
import type { LocalConsumers } from './local-consumers.ts';
import { ClaimPrefetch, type TimedClaim } from './prefetch.ts';

/** What claiming needs. */
export interface ClaimContext {
  /**
   * Of the daemons of a database one claims at once, and the others a second later: each claim of an entry that
   * another has claimed already is in vain.
   */
  readonly claimsAtOnce: () => boolean;
  readonly consumers: LocalConsumers;
  readonly claims: ClaimsUnderWay;
  readonly log: Log;
  readonly clock: Clock;
  readonly observe: Observe;
}

interface Draining {
  readonly context: ClaimContext;
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
  { context, pace, onBatch, signal }: Draining,
): Promise<boolean> {
  const { clock, consumers } = context;
  let after: string | null = null;
  let remains = false;
  let done = false;
  const ahead = new ClaimPrefetch({
    async clear(claims) {
      await clearClaims(handler, claims, context, { more: !done || ahead.hasBuffered });
      onBatch({ entries: claims.reduce((sum, { entries }) => sum + entries, 0) });
    },
    consumers,
    signal,
  });
  try {
    while (!done && !signal.aborted) {
      const started = clock.now();
      const limit = pace.size;
      const claim: Claim = await context.claims.track(queue.claim(limit, after)).catch((error) => {
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
  consumers.noMore();
  return remains && !signal.aborted;
}

/** The same for a handler without a queue when it is woken, with one row of the log that it makes itself. */
export async function clearWithoutQueue(handler: Handler, context: ClaimContext): Promise<void> {
  const { clock, log, consumers, claims } = context;
  const started = clock.now();
  const row = await claims.track(log.record(handler.name));
  const claim = { entries: 1, rows: [row], lagMs: null, started, claimed: clock.now() };
  consumers.expect(claim.rows);
  try {
    await clearClaims(handler, [claim], context, { more: false });
  } finally {
    consumers.giveUp(claim.rows);
  }
}

async function clearClaims(
  handler: Handler,
  claims: readonly TimedClaim[],
  { consumers, clock, observe }: ClaimContext,
  how: { more: boolean },
): Promise<void> {
  const batches = claims.map(({ rows }) => rows);
  const outcome = await consumers.clearFirst(handler.name, batches, how);
  if (!outcome) return;
  const named = { handler: handler.name, columns: handler.columns };
  const untold = claims.filter(({ rows }) => outcome.untold.has(rows));
  if (untold.length > 0) observe(batchEvent(named, untold, { ...outcome, now: clock.now() }));
}
