/** The claims whose answer is not there yet. A reader of the log waits for them: their rows come with the answer. */
export class ClaimsUnderWay {
  readonly #claims = new Set<Promise<unknown>>();

  async track<Result>(claim: Promise<Result>): Promise<Result> {
    this.#claims.add(claim);
    try {
      return await claim;
    } finally {
      this.#claims.delete(claim);
    }
  }

  /**
   * Resolves when those that are under way now have ended, or with `over`: one may wait for a lock.
   * @param but these are not waited for
   */
  async ended(over: Promise<unknown>, but: ReadonlySet<unknown> = new Set()): Promise<void> {
    const claims = [...this.#claims].filter((claim) => !but.has(claim));
    await Promise.race([Promise.allSettled(claims), over]);
  }

  /** Those that are under way now. */
  get all(): ReadonlySet<unknown> {
    return new Set(this.#claims);
  }
}
