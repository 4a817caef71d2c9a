import type { Clock } from '../../core/contracts.ts';

const firstRestMs = 1_000;
const longestRestMs = 60_000;

/** Whom to tell when it changes. */
interface BreakerReport {
  down(why: string): void;
  up(): void;
}

/**
 * Whether a target is asked at all. One that is down gets a single request after 1, 2, 4 … 60 s: a client that
 * goes on asking may do harm, as with a server that dies of each request.
 */
export class Breaker {
  readonly #clock: Clock;
  readonly #report: BreakerReport | undefined;
  #why: string | undefined;
  #restMs = firstRestMs;
  #restsUntil = 0;
  #asks = false;

  constructor(clock: Clock, report?: BreakerReport) {
    this.#clock = clock;
    this.#report = report;
  }

  /** Why it is down. */
  get why(): string | undefined {
    return this.#why;
  }

  /**
   * Whether a request may be sent. While the target is down: one, when it is due; the caller must then call `up` or
   * `down`.
   */
  mayAsk(): boolean {
    if (this.#why === undefined) return true;
    if (this.rests) return false;
    this.#asks = true;
    return true;
  }

  /** It is down, and its next request is not due, or under way. */
  get rests(): boolean {
    return this.#why !== undefined && (this.#asks || this.#clock.now() < this.#restsUntil);
  }

  down(why: string): void {
    // Requests that were under way together are one failure.
    if (this.#why !== undefined && !this.#asks) return;
    if (this.#asks) this.#restMs = Math.min(this.#restMs * 2, longestRestMs);
    this.#asks = false;
    if (why !== this.#why) this.#report?.down(why);
    this.#why = why;
    this.#restsUntil = this.#clock.now() + this.#restMs;
  }

  up(): void {
    if (this.#why !== undefined) this.#report?.up();
    this.#why = undefined;
    this.#asks = false;
    this.#restMs = firstRestMs;
  }
}
