const leastMs = 1;
const mostMs = 50;
const calmMs = 1_000;

/**
 * How long a handler rests before it looks into its queue table again, when one look after the other finds nothing: of a storm of
 * notifications each look would be a statement for nothing. Whatever is found ends it, so that entries never wait for each other; the
 * first after a storm waits 50 ms at most.
 */
export class Rest {
  readonly #now: () => number;
  #restMs = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Milliseconds left to rest. */
  get ms(): number {
    return Math.max(0, this.#lookedAt + this.#restMs - this.#now());
  }

  looked({ found }: { found: boolean }): void {
    const now = this.#now();
    const storm = now - this.#lookedAt < calmMs;
    this.#restMs = found ? 0 : storm ? Math.min(mostMs, Math.max(leastMs, this.#restMs * 2)) : leastMs;
    this.#lookedAt = now;
  }
}
