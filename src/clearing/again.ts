import type { JournalRow, Which } from '../core/contracts.ts';
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
 * - `forgotten`, with each sweep: a claim whose client is gone can even be committed later, after the journal was read.
 *
 * Doing a row twice is harmless, forgetting one is not.
 */
export function fromJournal(means: Means, { limit, onCleared }: Bounds): Again {
  let reading: { which: Which; after: number; upTo: number | undefined } | undefined;
  return {
    begin(which) {
      // What is forgotten now is so at the next sweep, too: no reason to start over.
      if (reading && which === 'forgotten') return;
      const wider = widest.find((one) => one === which || one === reading?.which) ?? which;
      reading = { which: wider, after: 0, upTo: undefined };
    },
    async step() {
      const current = reading;
      if (!current) return null;
      // Rows above were claimed meanwhile and are cleared by whoever claimed them.
      current.upTo ??= await means.journal.newest();
      const { which, after, upTo } = current;
      const rows = await means.journal.unsettled({ after, upTo, limit, which });
      const last = rows.at(-1);
      if (!last) {
        // Unless it was begun anew in the meantime.
        if (reading === current) reading = undefined;
        return reading === undefined ? null : 0;
      }
      if (after === 0) means.observe({ kind: 'restarting', rows: rows.length });
      onCleared(await clearKnown(rows, means));
      current.after = last.id;
      return 0;
    },
  };
}

/** Tries failing rows again whose time has come. Returns a step that tells the milliseconds to the next one. */
export function retry(means: Means, { limit, onCleared }: Bounds): () => Promise<number | null> {
  const handlers = [...means.handlers.keys()];
  return async () => {
    const { rows, nextMs } = await means.journal.retake({ limit, handlers });
    if (rows.length === 0) return nextMs;
    onCleared(await clearKnown(rows, means));
    return 0;
  };
}

async function clearKnown(rows: readonly JournalRow[], means: Means): Promise<number[]> {
  const { cleared, orphaned } = await clearMixed(rows, means);
  for (const [handler, count] of orphaned) means.observe({ kind: 'orphaned', handler, rows: count });
  return cleared;
}
