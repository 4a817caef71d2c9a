import type { HandlerRows } from '../core/consumer-contract.ts';
import type { Fact } from '../core/events.ts';
import { orderKey } from '../core/order-key.ts';
import { clipAll } from '../core/printable-text.ts';
import type { Step } from '../core/target-cache.ts';
import type { BatchOutcome } from './batch.ts';
import type { TimedClaim } from './prefetch.ts';

/** A line of the log names at most this many keys, so that it stays one line. */
const shownKeys = 3;

/**
 * The event for a batch's first clearing: `cleared`, or `clear-failed` if no row was cleared.
 *
 * A claim folds entries into keys. It does not say how many entries each key had, nor which key has the
 * oldest. So if a key of a claim failed, the event counts one entry for each cleared key and gives no lag:
 * better too little than something untrue.
 */
export function batchEvent(
  { handler, columns }: { handler: string; columns: readonly string[] },
  claims: readonly TimedClaim[],
  { files, failed, now }: { files: number; failed: ReadonlySet<number>; now: number },
): Fact {
  const rows = claims.flatMap((claim) => claim.rows);
  const cleared = rows.filter(({ id }) => !failed.has(id));
  const shown = cleared.length > 0 ? cleared : rows;
  const common = {
    handler,
    examples: shown.slice(0, shownKeys).map(({ key }) => clipAll(orderKey(key, columns))),
    files,
    ms: now - claims.reduce((first, { started }) => Math.min(first, started), now),
  };
  if (cleared.length === 0) return { kind: 'clear-failed', failedKeys: rows.length, ...common };

  let entries = 0;
  let lagMs: number | null = null;
  for (const claim of claims) {
    const clearedKeys = claim.rows.filter(({ id }) => !failed.has(id)).length;
    const whole = clearedKeys === claim.rows.length;
    entries += whole ? claim.entries : clearedKeys;
    if (whole && claim.lagMs !== null)
      lagMs = Math.max(lagMs ?? Number.NEGATIVE_INFINITY, claim.lagMs + now - claim.claimed);
  }
  const keys = cleared.length;
  return { kind: 'cleared', entries, keys, failedKeys: rows.length - keys, lagMs, ...common };
}

/**
 * The same for rows that were read from the log. Undefined if all were reported before: a daemon clears again what it
 * had not settled, after a start and after each outage.
 * @param toldTo rows up to this one were cleared before
 */
export function readEvent(
  { handler, rows, lagMs }: HandlerRows,
  { plans }: Step,
  { files, failures, invalid }: BatchOutcome,
  { toldTo, started, now }: { toldTo: number; started: number; now: number },
): Fact | undefined {
  const isOld = rows.some(({ id }) => id <= toldTo);
  const untold = isOld ? rows.filter(({ id }) => id > toldTo) : rows;
  if (untold.length === 0) return undefined;
  const failed = new Set([...failures, ...invalid].map(({ id }) => id));
  const read = {
    rows: untold,
    entries: untold.length,
    lagMs: isOld ? null : lagMs,
    started,
    claimed: started,
  };
  const columns = [...new Set(plans.flatMap((plan) => plan.columns))];
  return batchEvent({ handler, columns }, [read], { files, failed, now });
}
