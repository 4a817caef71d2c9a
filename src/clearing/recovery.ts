import type { RecoveryScope } from '../core/contracts.ts';
import { Wakeup } from '../core/wakeup.ts';
import type { Pipeline } from './pipeline.ts';

export interface JournalRecovery {
  /** Woken when there is something to read. */
  readonly wakeup: Wakeup;
  /**
   * Starts reading the journal from its beginning. If several scopes are requested before it is done, the
   * widest applies.
   */
  begin(scope: RecoveryScope): void;
  /** Clears one batch; returns null when there are no more. */
  step(): Promise<number | null>;
}

const widestFirst: readonly RecoveryScope[] = ['all', 'not-waiting', 'abandoned'];

/**
 * Clears what the journal holds from its first clearing.
 *
 * - `all`, after a start: open transactions and elapsed time were known only to the last run, and the cause
 *   of failing rows may be fixed by now.
 * - `not-waiting`, after any error between claim and clearing and after each LISTEN: a claim whose answer was
 *   lost with the connection may have been committed, and a server that crashed may have brought back rows
 *   that were settled.
 * - `abandoned`, with each sweep, and every few seconds for a while after an error: the claim of a client
 *   that is gone can even be committed later, after the journal was read.
 *
 * Rows in flight are skipped: if their clearing fails, the journal is read again.
 *
 * The journal is read in parts. Each part begins by taking over its rows of dead daemons. So no statement
 * grows with what a dead daemon left, and the first rows are cleared before the last are read. Clearing a row
 * twice is harmless; forgetting one is not.
 *
 * Rows of handlers that are not configured here are left to a daemon that has them. There may be no such
 * daemon, so this is reported once.
 */
export function recoverJournal(pipeline: Pipeline, { limit }: { limit: number }): JournalRecovery {
  const { context } = pipeline;
  const { journal, clock, observe, inFlight, retries } = context;
  const { othersMs, outliveMs, rescanMs } = context.timings.recovery;
  const handlers = [...context.handlers.keys()];
  const wakeup = new Wakeup();
  let scan: Scan | undefined;
  let rescanUntil = 0;
  let reported: ReadonlySet<string> = new Set();

  /** The wider of this scope and that of the scan under way. */
  function widen(scope: RecoveryScope): RecoveryScope {
    return widestFirst.find((one) => one === scope || one === scan?.scope) ?? scope;
  }

  async function takeOver(current: Scan, upTo: number): Promise<void> {
    const part = await journal.takeOver({ handlers, after: current.partEnd, upTo });
    current.partEnd = part.upTo;
    current.others += part.others;
    for (const [handler, rows] of Object.entries(part.orphans)) {
      current.orphans.set(handler, (current.orphans.get(handler) ?? 0) + rows);
    }
    if (part.taken === 0) return;
    current.scope =
      widestFirst.find((one) => one === 'not-waiting' || one === current.scope) ?? 'not-waiting';
    // Some of them may wait for a retry.
    retries.wake();
  }

  function reportOrphans({ orphans }: Scan): void {
    for (const [handler, rows] of orphans)
      if (!reported.has(handler)) observe({ kind: 'rows-orphaned', handler, rows });
    reported = new Set(orphans.keys());
  }

  return {
    wakeup,
    begin(scope) {
      if (scope !== 'abandoned') rescanUntil = clock.now() + outliveMs;
      // Rows that are abandoned now will still be so at the next sweep, so there is no need to start over.
      if (scan === undefined || scope !== 'abandoned') scan = newScan(widen(scope));
      wakeup.wake();
    },
    async step() {
      scan ??= newScan('abandoned');
      const current = scan;
      // Rows above this are claimed later, and the daemon that claims them clears them.
      current.upTo ??= await journal.newest();
      if (current.after >= current.partEnd && current.partEnd < current.upTo)
        await takeOver(current, current.upTo);
      if (current.after < current.partEnd) {
        const { scope, after, partEnd: upTo } = current;
        const rows = await journal.unsettled({ after, upTo, limit, which: scope });
        if (rows.length > 0) {
          if (!current.reported) observe({ kind: 'journal-recovery', rows: rows.length });
          current.reported = true;
          await pipeline.clearKept(inFlight.exclude(rows));
        }
        current.after = rows.at(-1)?.id ?? upTo;
      }
      // Unless it was restarted in the meantime.
      if (scan !== current || current.after < current.upTo) return 0;
      scan = undefined;
      reportOrphans(current);
      if (current.others > 0) return othersMs;
      return clock.now() < rescanUntil ? rescanMs : null;
    },
  };
}

interface Scan {
  scope: RecoveryScope;
  /** The last row to read; undefined before the first step. */
  upTo: number | undefined;
  /** Rows of dead daemons are taken over up to this one. */
  partEnd: number;
  /** Rows are read up to this one. */
  after: number;
  reported: boolean;
  others: number;
  readonly orphans: Map<string, number>;
}

function newScan(scope: RecoveryScope): Scan {
  return { scope, upTo: undefined, partEnd: 0, after: 0, reported: false, others: 0, orphans: new Map() };
}

/**
 * Clears failing rows that are due. Returns a step, which returns the milliseconds until the next one is due.
 */
export function retryDue(pipeline: Pipeline, { limit }: { limit: number }): () => Promise<number | null> {
  const { journal, handlers } = pipeline.context;
  const names = [...handlers.keys()];
  return async () => {
    const { rows, nextMs } = await journal.retake({ limit, handlers: names });
    if (rows.length === 0) return nextMs;
    await pipeline.clearKept(rows);
    return 0;
  };
}
