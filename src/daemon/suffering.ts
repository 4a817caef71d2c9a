/** A journal row by its id, or a loop by its name. */
export type Sufferer = number | string;

/** No retry of a row comes later (postgres/journal.ts): one not heard of for so long was dropped, or is another daemon's. */
const forgetMs = 2 * 3_600_000;

/** Who cannot be done, and by which kind of failure; how many of each kind. */
export class Suffering {
  readonly #last = new Map<Sufferer, { kind: string; at: number }>();
  readonly #counts = new Map<string, number>();
  #forgotAt = 0;

  count(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Returns whether it failed otherwise, or not at all, before. */
  fails(who: Sufferer, kind: string, at: number): boolean {
    const before = this.#last.get(who)?.kind;
    if (before !== kind) {
      this.works(who);
      this.#counts.set(kind, this.count(kind) + 1);
    }
    this.#last.set(who, { kind, at });
    return before !== kind;
  }

  /** Returns whether it suffered. */
  works(who: Sufferer): boolean {
    const before = this.#last.get(who);
    if (before === undefined) return false;
    this.#last.delete(who);
    const left = this.count(before.kind) - 1;
    if (left > 0) this.#counts.set(before.kind, left);
    else this.#counts.delete(before.kind);
    return true;
  }

  /** Lets go of rows that are no longer tried. A loop says itself when it works. */
  forget(now: number): void {
    if (now < this.#forgotAt + forgetMs) return;
    this.#forgotAt = now;
    for (const [who, { at }] of this.#last)
      if (typeof who === 'number' && at <= now - forgetMs) this.works(who);
  }
}
