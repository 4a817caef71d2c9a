import type { Claim } from '../core/contracts.ts';
import type { InHand } from './in-hand.ts';

/** A claim, and when it was begun and answered. */
export interface Claimed extends Pick<Claim, 'entries' | 'rows' | 'lagMs'> {
  readonly started: number;
  readonly claimed: number;
}

interface Parts {
  readonly clear: (claims: readonly Claimed[]) => Promise<void>;
  readonly inHand: InHand;
  /** Aborted, it ends after the clearing at hand, and leaves to the journal what waits. */
  readonly signal: AbortSignal;
}

/** Claims that may wait for their clearing; what they hold is in memory. */
const mostWaiting = 20;

/**
 * Lets a drain claim ahead of its clearings. Whatever has been claimed when a clearing ends is cleared together by the next, and so a
 * key once that was claimed in several batches: all of them were committed before it began.
 */
export class Ahead {
  readonly #clear: Parts['clear'];
  readonly #inHand: InHand;
  readonly #signal: AbortSignal;
  #waiting: Claimed[] = [];
  #atHand: Promise<void> = Promise.resolve();
  /** The clearing of what waits; the one at hand when nothing does. */
  #last: Promise<void> = this.#atHand;
  #failed = false;

  constructor({ clear, inHand, signal }: Parts) {
    this.#clear = clear;
    this.#inHand = inHand;
    this.#signal = signal;
  }

  /** Resolves when the next may be claimed; rejects when a clearing has failed. */
  async add(claim: Claimed): Promise<void> {
    if (this.#failed) await this.#last;
    if (claim.rows.length === 0) return;
    // Rows that wait for the clearing before theirs are not forgotten (again.ts).
    this.#inHand.hold(claim.rows);
    if (this.#waiting.push(claim) === 1) this.#begin();
    if (this.#waiting.length === mostWaiting) await this.#atHand;
  }

  get waits(): boolean {
    return this.#waiting.length > 0;
  }

  /** Resolves when all is cleared. */
  end(): Promise<void> {
    return this.#last;
  }

  #begin(): void {
    this.#last = this.#atHand.then(async () => {
      this.#atHand = this.#last;
      const claims = this.#waiting.splice(0);
      try {
        if (!this.#signal.aborted) await this.#clear(claims);
      } finally {
        this.#release(claims);
      }
    });
    // Told by whoever awaits it, which may be a claim later. What waited is left to the journal.
    this.#last.catch(() => {
      this.#failed = true;
      this.#release(this.#waiting);
    });
  }

  #release(claims: readonly Claimed[]): void {
    for (const { rows } of claims) this.#inHand.release(rows);
  }
}
