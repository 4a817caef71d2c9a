import type { FailedRow } from '../core/consumer-contract.ts';
import { Wakeup } from '../core/wakeup.ts';
import { clearBatch } from './batch.ts';
import { byHandler } from './by-handler.ts';
import type { RoundParts } from './keep-failing.ts';

type RetryParts = Pick<RoundParts, 'name' | 'cache' | 'steps' | 'log' | 'observe' | 'batch' | 'onRetried'>;

interface Settles {
  /** The number under which rows settle whose retry has succeeded. */
  readonly failingCohort: number;
  cleared(how: { retried: number }): void;
}

/**
 * Clears rows of uncached.failing when they are due. A row that is cleared then settles for itself, before it is
 * deleted.
 */
export class Retries {
  /** Woken when rows may be due earlier than thought. */
  readonly wakeup = new Wakeup();
  readonly #parts: RetryParts;
  readonly #settling: () => Settles | undefined;
  /** What a run before has left must be made due. */
  #restart: 'all' | 'cohorts' | undefined = 'all';

  constructor(parts: RetryParts, settling: () => Settles | undefined) {
    this.#parts = parts;
    this.#settling = settling;
  }

  /** Rows that were to settle are to be cleared again: their cohorts are forgotten. */
  restart(): void {
    this.#restart ??= 'cohorts';
    this.wakeup.wake();
  }

  /** Returns the milliseconds until the next row is due, if any. */
  async step(): Promise<number | null> {
    const { log, batch } = this.#parts;
    if (this.#settling() === undefined) return null;
    if (this.#restart !== undefined) await log.failing.restart(this.#restart);
    this.#restart = undefined;
    const { rows, nextMs } = await log.failing.due(batch);
    if (rows.length === 0) return nextMs;
    for (const [handler, some] of byHandler(rows)) await this.#clear(handler, some);
    return 0;
  }

  async #clear(handler: string, rows: readonly FailedRow[]): Promise<void> {
    const { name, cache, steps, log, observe } = this.#parts;
    const step = steps.get(handler);
    if (!step) return;
    const outcome = await clearBatch(step, rows, cache, { secondFollows: true });
    const { cleared, failures } = outcome;
    const known = new Map(rows.map((row) => [row.id, row.invalid]));
    const invalid = outcome.invalid.map((failure) => ({ ...failure, known: known.get(failure.id) ?? false }));
    const kept = new Set(invalid.map(({ id }) => id));
    const gone = cleared.filter((id) => !kept.has(id));
    // What is cleared for the first time settles, and is kept then; what was invalid before has settled.
    const settled = invalid.filter((failure) => failure.known);
    const settles = [...gone, ...invalid.flatMap((failure) => (failure.known ? [] : [failure.id]))];
    if (failures.length > 0) await log.failing.add(failures, { again: true });
    if (settled.length > 0) await log.failing.keepInvalid(settled, { again: true });
    const settling = this.#settling();
    if (settles.length > 0 && settling) {
      const { failingCohort } = settling;
      try {
        await log.failing.settleLater(settles, failingCohort);
        await this.#parts.onRetried(settles);
      } catch (error) {
        // They may be in a cohort that nobody will ask for.
        this.#restart ??= 'cohorts';
        throw error;
      }
      settling.cleared({ retried: failingCohort });
    }
    observe({ kind: 'batch-done', handler, consumer: name, ...outcome, cleared: gone, invalid });
  }
}
