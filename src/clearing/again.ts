import type { JournalRow } from '../core/contracts.ts';
import { clearMixed, type Means } from './clearing.ts';

export interface Again {
  /** Starts over at the beginning of the journal. */
  begin(): void;
  /** Does one batch; null when there are no more. */
  step(): Promise<number | null>;
}

type Bounds = { limit: number; onCleared: (ids: readonly number[]) => void };

/**
 * Takes what the journal holds from its first clearing: after a start, since what the last run knew of open transactions and
 * elapsed time died with it; and after any error between claim and clearing, since a claim whose answer was lost with the
 * connection may have been committed. Doing a row twice is harmless, forgetting one is not.
 */
export function fromJournal(means: Means, { limit, onCleared }: Bounds): Again {
  /** After a start failing rows are tried at once: somebody may have mended their cause. Later their own time holds. */
  let first = true;
  let range = { after: 0, upTo: undefined as number | undefined };
  return {
    begin() {
      range = { after: 0, upTo: undefined };
    },
    async step() {
      const current = range;
      // Rows above were claimed meanwhile and are cleared by whoever claimed them.
      current.upTo ??= await means.journal.newest();
      const rows = await means.journal.unsettled({
        after: current.after,
        upTo: current.upTo,
        limit,
        failing: first,
      });
      const last = rows.at(-1);
      if (!last) {
        first = false;
        return null;
      }
      if (current.after === 0) means.observe({ kind: 'restarting', rows: rows.length });
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
