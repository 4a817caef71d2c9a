import type { Clock } from '../core/contracts.ts';

/** A cache behind which another one stands: visitors reach it through that other one. */
interface Cache {
  /** Rows up to here were cleared once. */
  readonly clearedTo: number;
  /** What stands behind it may settle up to here. */
  readonly freshTo: number;
}

/** The times of settling are rounded up to this part of the lag, so that only some 20 of them are kept. */
const parts = 20;

/**
 * How far a cache may settle: as far as all the caches that it stands behind had settled `lagMs` ago. A
 * response that one of them gave before that may still be on its way.
 */
export class Upstream {
  readonly #caches: readonly Cache[];
  readonly #lagMs: number;
  readonly #clock: Clock;
  /** When all had settled up to an id; the oldest first. */
  #marks: { readonly from: number; at: number; upTo: number }[] = [];

  constructor(caches: readonly Cache[], lagMs: number, clock: Clock) {
    this.#caches = caches;
    this.#lagMs = lagMs;
    this.#clock = clock;
  }

  /**
   * One of the caches begins again: what it had settled is stale there, if its content is unknown, and the ids may
   * have been given to other rows.
   */
  forget(): void {
    this.#marks = [];
  }

  /** The first clearing may go up to here. */
  get clearedTo(): number {
    return this.#least(({ clearedTo }) => clearedTo);
  }

  /**
   * The milliseconds until rows up to this one may settle; infinite while a cache has not settled them. Must be
   * asked whenever one of the caches has settled something.
   */
  msTo(id: number): number {
    const freshTo = this.#least((cache) => cache.freshTo);
    const now = this.#clock.now();
    // It is infinite if there is no cache to wait for, and minus infinite while one is being wiped.
    if (this.#lagMs > 0 && Number.isFinite(freshTo)) this.#note(freshTo, now);
    if (freshTo < id) return Number.POSITIVE_INFINITY;
    if (this.#lagMs === 0 || this.#caches.length === 0) return 0;
    const mark = this.#marks.find(({ upTo }) => upTo >= id);
    return mark ? Math.max(0, mark.at + this.#lagMs - now) : this.#lagMs;
  }

  /** Infinite without any. */
  #least(of: (cache: Cache) => number): number {
    return this.#caches.reduce((least, cache) => Math.min(least, of(cache)), Number.POSITIVE_INFINITY);
  }

  #note(upTo: number, now: number): void {
    const last = this.#marks.at(-1);
    if (last && upTo <= last.upTo) return;
    // To wait longer than the lag is safe.
    if (last && now - last.from < this.#lagMs / parts) Object.assign(last, { at: now, upTo });
    else this.#marks.push({ from: now, at: now, upTo });
    const over = this.#marks.findLastIndex(({ at }) => at + this.#lagMs <= now);
    if (over > 0) this.#marks = this.#marks.slice(over);
  }
}
