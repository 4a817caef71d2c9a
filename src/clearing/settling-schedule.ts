import type { SettlingTimings } from '../core/timings.ts';

/**
 * When settling looks at the open transactions again, and when it writes the durable cursors again. Where somebody may
 * wait for these (sql/barrier.sql), both are soon at first: a look is later each time, and writes take a third of the
 * time at most, since under an old transaction the versions of a row pile up and each write takes longer.
 */
export class SettlingSchedule {
  readonly #timings: SettlingTimings;
  #awaited = false;
  #lookAfterMs: number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #writeAfterMs = 0;
  #wroteAt = Number.NEGATIVE_INFINITY;

  constructor(timings: SettlingTimings) {
    this.#timings = timings;
    this.#lookAfterMs = timings.snapshotAgainMs;
  }

  get lookAt(): number {
    return this.#lookedAt + this.#lookAfterMs;
  }

  get writeAt(): number {
    return this.#wroteAt + (this.#awaited ? this.#writeAfterMs : this.#timings.writeAgainMs);
  }

  /** @param awaited the barrier is installed; @param isNew rows are waiting that did not wait before */
  looked(at: number, { awaited, isNew }: { awaited: boolean; isNew: boolean }): void {
    const { snapshotAgainMs, awaitedAgainMs } = this.#timings;
    this.#awaited = awaited;
    this.#lookedAt = at;
    const soonMs = isNew ? awaitedAgainMs : this.#lookAfterMs * 2;
    this.#lookAfterMs = awaited ? Math.min(soonMs, snapshotAgainMs) : snapshotAgainMs;
  }

  wrote(from: number, at: number): void {
    const { writeAgainMs, awaitedAgainMs } = this.#timings;
    this.#wroteAt = at;
    this.#writeAfterMs = Math.min(Math.max(awaitedAgainMs, (at - from) * 2), writeAgainMs);
  }
}
