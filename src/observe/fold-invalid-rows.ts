import type { RowFailure } from '../core/consumer-contract.ts';
import type { Report } from '../core/events.ts';

interface Unreported {
  reportedAt: number;
  rows: number;
  /** The first few different ones. */
  readonly errors: Set<string>;
}

const shownErrors = 5;

/**
 * Ids of rows that were reported, so that a row is not reported again when it is read again. One line too
 * many is better than no bound.
 */
const mostRemembered = 100_000;

/**
 * Reports rows whose key is invalid: each once, those of a handler together, and at most one line every
 * `againMs`. They are not retried, so any event (a heartbeat, for one) reports the rest when its time has
 * come.
 */
export class InvalidRowFolder {
  readonly #observe: Report;
  readonly #now: () => number;
  readonly #againMs: number;
  readonly #remembered = new Set<number>();
  readonly #byHandler = new Map<string, Unreported>();
  #rows = 0;

  constructor(observe: Report, now: () => number, againMs: number) {
    this.#observe = observe;
    this.#now = now;
    this.#againMs = againMs;
  }

  add(handler: string, invalid: readonly RowFailure[]): void {
    for (const { id, error } of invalid) {
      if (this.#remembered.has(id)) continue;
      this.#remember(id);
      const untold = this.#byHandler.get(handler) ?? {
        reportedAt: Number.NEGATIVE_INFINITY,
        rows: 0,
        errors: new Set(),
      };
      this.#byHandler.set(handler, untold);
      untold.rows += 1;
      this.#rows += 1;
      if (untold.errors.size < shownErrors) untold.errors.add(error);
    }
  }

  report(): void {
    if (this.#rows === 0) return;
    for (const [handler, untold] of this.#byHandler) {
      const { rows, errors, reportedAt } = untold;
      if (rows === 0 || this.#now() - reportedAt < this.#againMs) continue;
      this.#rows -= rows;
      this.#byHandler.set(handler, { reportedAt: this.#now(), rows: 0, errors: new Set() });
      this.#observe({ kind: 'rows-invalid', handler, rows, errors: [...errors] });
    }
  }

  #remember(id: number): void {
    this.#remembered.add(id);
    if (this.#remembered.size <= mostRemembered) return;
    for (const oldest of this.#remembered) {
      this.#remembered.delete(oldest);
      return;
    }
  }
}
