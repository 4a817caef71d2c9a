/** A row in one cache, or a loop by its name. */
export type Subject = { readonly consumer: string; readonly id: number } | { readonly loop: string };

/** A million failing rows must not fill the memory. */
const mostRows = 100_000;

/**
 * The failing rows and loops, with the kind of failure of each, and a count by kind.
 *
 * Where too many rows fail, the rest of a group count as one subject, of the group's own kind. Which of them
 * recovers is then unknown: the subject is forgotten only when none of them has failed for longer than the
 * longest wait for a retry. So no failure is reported as over while it lasts.
 */
export class FailureTracker {
  readonly #last = new Map<string, { kind: string; at: number; isRow: boolean }>();
  /** By group: when one of the rows that are not remembered last failed. */
  readonly #others = new Map<string, number>();
  readonly #counts = new Map<string, number>();
  readonly #forgetMs: number;
  readonly #most: number;
  #lookedAt = 0;

  /** @param forgetMs no retry of a row comes later: without news for this long it was discarded, or is not ours */
  constructor(forgetMs: number, most = mostRows) {
    this.#forgetMs = forgetMs;
    this.#most = most;
  }

  /** The subjects that are remembered. */
  get size(): number {
    return this.#last.size + this.#others.size;
  }

  count(kind: string): number {
    return this.#counts.get(kind) ?? 0;
  }

  /** Returns the kind by which it is counted, or undefined if it failed in this way before. */
  failed(who: Subject, kind: string, at: number, group = kind): string | undefined {
    const key = keyOf(who);
    const isRow = 'id' in who;
    const before = this.#last.get(key)?.kind;
    if (before === undefined && isRow) {
      const isOther = this.#others.has(group);
      if (isOther || this.#last.size >= this.#most) {
        this.#others.set(group, at);
        if (isOther) return undefined;
        this.#add(group);
        return group;
      }
    }
    if (before !== kind) {
      this.#forget(key);
      this.#add(kind);
    }
    this.#last.set(key, { kind, at, isRow });
    return before === kind ? undefined : kind;
  }

  /** Returns whether it was failing. */
  recovered(who: Subject): boolean {
    // Of the million rows that work no key need be made.
    return this.#last.size > 0 && this.#forget(keyOf(who));
  }

  /** Forgets rows that are no longer tried. A loop reports its recovery itself. */
  forget(now: number): void {
    if (now < this.#lookedAt + this.#forgetMs / 12) return;
    this.#lookedAt = now;
    for (const [key, { at, isRow }] of this.#last) if (isRow && at <= now - this.#forgetMs) this.#forget(key);
    for (const [group, at] of this.#others) {
      if (at > now - this.#forgetMs) continue;
      this.#others.delete(group);
      this.#remove(group);
    }
  }

  #forget(key: string): boolean {
    const before = this.#last.get(key);
    if (before === undefined) return false;
    this.#last.delete(key);
    this.#remove(before.kind);
    return true;
  }

  #add(kind: string): void {
    this.#counts.set(kind, this.count(kind) + 1);
  }

  #remove(kind: string): void {
    const left = this.count(kind) - 1;
    if (left > 0) this.#counts.set(kind, left);
    else this.#counts.delete(kind);
  }
}

function keyOf(who: Subject): string {
  return 'id' in who ? `${who.id} in ${who.consumer}` : who.loop;
}
