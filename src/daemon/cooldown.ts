import type { ClaimTimings } from '../core/timings.ts';

type CooldownTimings = Pick<ClaimTimings, 'cooldown' | 'calmMs'>;

/**
 * How long a handler waits before its next claim, while one claim after the other finds nothing. In a storm
 * of notifications each of these claims would be wasted. A claim that finds something ends the pause, so
 * entries never wait for each other; the first after a storm waits `mostMs` at most.
 */
export class EmptyClaimCooldown {
  readonly #now: () => number;
  readonly #timings: CooldownTimings;
  #restMs = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number, timings: CooldownTimings) {
    this.#now = now;
    this.#timings = timings;
  }

  /** Milliseconds left to wait. */
  get remainingMs(): number {
    return Math.max(0, this.#lookedAt + this.#restMs - this.#now());
  }

  record({ found }: { found: boolean }): void {
    const { cooldown, calmMs } = this.#timings;
    const { leastMs, mostMs } = cooldown;
    const now = this.#now();
    const storm = now - this.#lookedAt < calmMs;
    this.#restMs = found ? 0 : storm ? Math.min(mostMs, Math.max(leastMs, this.#restMs * 2)) : leastMs;
    this.#lookedAt = now;
  }
}
