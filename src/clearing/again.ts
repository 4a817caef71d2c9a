import type { JournalRow, Which } from '../core/contracts.ts';
import { sortOut } from './aside.ts';
import { clearMixed, type Means } from './clearing.ts';

export interface Again {
  /** Has the journal read once more, from its beginning. The widest of what is asked for before it is done holds. */
  begin(which: Which): void;
  /** Does one batch; null when there are no more. */
  step(): Promise<number | null>;
}

type Bounds = { limit: number; onCleared: (ids: readonly number[]) => void };

const widest: readonly Which[] = ['all', 'untried', 'forgotten'];

/**
 * Takes what the journal holds from its first clearing.
 *
 * - `all`, after a start: what the last run knew of open transactions and elapsed time died with it, and somebody may have mended what
 *   made rows fail.
 * - `untried`, after any error between claim and clearing and after each LISTEN: a claim whose answer was lost with the connection may
 *   have been committed, and a server that crashed may have brought back rows that were settled.
 * - `forgotten`, with each sweep, and every few seconds while there is doubt: a claim whose client is gone can even be committed
 *   later, after the journal was read.
 *
 * Rows that are being cleared at this moment, or wait their turn, are passed over: if that fails, all is read again.
 *
 * Each reading begins by taking over the rows of dead daemons. Doing a row twice is harmless, forgetting one is not.
 */
export function fromJournal(means: Means, { limit, onCleared }: Bounds): Again {
  const { journal, clock, observe } = means;
  let reading: { which: Which; after: number; upTo: number | undefined } | undefined;
  let others = 0;
  let doubtUntil = 0;

  /** What is read from now on; the wider of this and what is being read already. */
  function read(which: Which): void {
    reading = {
      which: widest.find((one) => one === which || one === reading?.which) ?? which,
      after: 0,
      upTo: undefined,
    };
  }

  async function takeOver(): Promise<void> {
    const { taken, others: left } = await journal.takeOver();
    others = left;
    if (taken === 0) return;
    read('untried');
    // Some may wait for another try.
    means.onFailed();
  }

  return {
    begin(which) {
      if (which !== 'forgotten') doubtUntil = clock.now() + outliveMs;
      // What is forgotten now is so at the next sweep, too: no reason to start over.
      if (reading === undefined || which !== 'forgotten') read(which);
    },
    async step() {
      if (reading === undefined) read('forgotten');
      if (reading?.upTo === undefined) await takeOver();
      const current = reading;
      if (current === undefined) return 0;
      // Rows above are claimed from now on, and cleared by whoever claims them.
      current.upTo ??= await journal.newest();
      const { which, after, upTo } = current;
      const rows = await journal.unsettled({ after, upTo, limit, which });
      const last = rows.at(-1);
      if (last) {
        if (after === 0) observe({ kind: 'restarting', rows: rows.length });
        await clearKnown(means.inHand.free(rows), means, onCleared);
        current.after = last.id;
        return 0;
      }
      // Unless it was begun anew in the meantime.
      if (reading !== current) return 0;
      reading = undefined;
      if (others > 0) return othersMs;
      return clock.now() < doubtUntil ? doubtMs : null;
    },
  };
}

/** Others' rows are looked at this often: whoever owns them may have died. */
const othersMs = 2_000;

/** No statement of ours outlives statement_timeout (pool.ts), not even one whose client is gone. */
const outliveMs = 10_000;
const doubtMs = 5_000;

/** Tries failing rows again whose time has come. Returns a step that tells the milliseconds to the next one. */
export function retry(means: Means, { limit, onCleared }: Bounds): () => Promise<number | null> {
  const handlers = [...means.handlers.keys()];
  return async () => {
    const { rows, nextMs } = await means.journal.retake({ limit, handlers });
    if (rows.length === 0) return nextMs;
    await clearKnown(rows, means, onCleared);
    return 0;
  };
}

async function clearKnown(
  rows: readonly JournalRow[],
  means: Means,
  onCleared: Bounds['onCleared'],
): Promise<void> {
  const { here, apart } = sortOut(rows, means);
  for (const [handler, own] of apart) {
    means.inHand.hold(own);
    means.aside?.(handler, async () => {
      onCleared((await clearMixed(own, means)).cleared);
      means.inHand.release(own);
    });
  }
  const { cleared, orphaned } = await clearMixed(here, means);
  for (const [handler, count] of orphaned) means.observe({ kind: 'orphaned', handler, rows: count });
  onCleared(cleared);
}
