import type { Claim } from '../core/contracts.ts';
import type { LocalConsumers } from './local-consumers.ts';

/** A claim, with the times when it was sent and answered. */
export interface TimedClaim extends Pick<Claim, 'entries' | 'rows' | 'lagMs'> {
  readonly started: number;
  readonly claimed: number;
}

interface Parts {
  readonly clear: (claims: readonly TimedClaim[]) => Promise<void>;
  readonly consumers: Pick<LocalConsumers, 'expect' | 'giveUp'>;
  /**
   * When it is aborted, the prefetch ends after the running clearing, and buffered claims are left to the log.
   */
  readonly signal: AbortSignal;
}

/** How many claims may wait for their clearing; they are held in memory. */
const mostWaiting = 20;

/**
 * Lets a drain claim ahead of its clearings. When a clearing ends, the next one takes all that has been
 * claimed by then. A key in several of these claims is cleared once: all of them were committed before the
 * clearing began.
 */
export class ClaimPrefetch {
  readonly #clear: Parts['clear'];
  readonly #consumers: Parts['consumers'];
  readonly #signal: AbortSignal;
  #buffered: TimedClaim[] = [];
  #running: Promise<void> = Promise.resolve();
  /** The next clearing while claims are buffered, else the running one. */
  #last: Promise<void> = this.#running;
  #failed = false;

  constructor({ clear, consumers, signal }: Parts) {
    this.#clear = clear;
    this.#consumers = consumers;
    this.#signal = signal;
  }

  /** Resolves when the next batch may be claimed; rejects when a clearing has failed. */
  async add(claim: TimedClaim): Promise<void> {
    if (this.#failed) await this.#last;
    if (claim.rows.length === 0) return;
    // Rows that wait for an earlier clearing need not be read from the log.
    this.#consumers.expect(claim.rows);
    if (this.#buffered.push(claim) === 1) this.#begin();
    if (this.#buffered.length === mostWaiting) await this.#running;
  }

  get hasBuffered(): boolean {
    return this.#buffered.length > 0;
  }

  /** Resolves when everything is cleared. */
  end(): Promise<void> {
    return this.#last;
  }

  #begin(): void {
    this.#last = this.#running.then(async () => {
      this.#running = this.#last;
      const claims = this.#buffered.splice(0);
      try {
        if (!this.#signal.aborted) await this.#clear(claims);
      } finally {
        this.#release(claims);
      }
    });
    // The error is thrown to the caller that awaits it, perhaps only at the next claim. Buffered claims are
    // left to the log.
    this.#last.catch(() => {
      this.#failed = true;
      this.#release(this.#buffered);
    });
  }

  #release(claims: readonly TimedClaim[]): void {
    for (const { rows } of claims) this.#consumers.giveUp(rows);
  }
}
