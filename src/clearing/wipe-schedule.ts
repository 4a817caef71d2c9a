import { backoffMs } from '../core/backoff.ts';
import type { Cache, Clock } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';
import type { Marker } from '../core/root.ts';
import type { Handler } from './handler.ts';
import type { CacheMount, WipeReason } from './judge-root.ts';
import { type PatternCovers, wipe } from './wipe.ts';

export interface WipeParts {
  readonly cache: Cache;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly covers: PatternCovers;
  readonly clock: Clock;
  readonly observe: Observe;
}

/** The wipe that is due: everything once, then only what could not be deleted, with increasing delay. */
export class WipeSchedule {
  readonly #parts: WipeParts;
  #why: WipeReason | undefined;
  #left: Marker['left'] = [];
  #attempts = 0;
  #dueAt = 0;
  /** What was seen when the wipe began. It is done only once, even if no marker can record it. */
  #seen = '';

  constructor(parts: WipeParts) {
    this.#parts = parts;
  }

  get left(): Marker['left'] {
    return this.#left;
  }

  get nextMs(): number {
    return this.#left.length > 0
      ? Math.max(0, this.#dueAt - this.#parts.clock.now())
      : Number.POSITIVE_INFINITY;
  }

  begin(why: WipeReason, seen: string): void {
    if (seen === this.#seen) return;
    this.#seen = seen;
    this.#why = why;
    this.#due('all');
  }

  /** What an earlier run could not delete. */
  resume(left: Marker['left']): void {
    if (this.#seen !== '') return;
    this.#seen = 'resumed';
    this.#due(left);
  }

  async step(identities: Readonly<Record<string, string>>): Promise<void> {
    const { cache, handlers, covers, observe, clock } = this.#parts;
    if (this.nextMs > 0) return;
    const clear: Cache['clear'] = (patterns) => cache.clear(patterns, { identities });
    const { files, left, failures } = await wipe(clear, handlers.values(), { of: this.#left, covers });
    if (this.#why) observe({ kind: 'cache-wiped', files, why: this.#why });
    this.#why = undefined;
    this.#left = left;
    this.#attempts += 1;
    if (left.length === 0 && this.#attempts > 1) observe({ kind: 'wipe-completed' });
    this.#dueAt = clock.now() + backoffMs(this.#attempts, { baseMs: 1_000, capMs: 3_600_000 });
    const [first] = failures;
    if (!first || this.#attempts > 1) return;
    const error = `${first.path}: ${first.code}, ${first.message}`;
    observe({ kind: 'wipe-failed', error, paths: failures.length });
  }

  #due(left: Marker['left']): void {
    this.#left = left;
    this.#attempts = 0;
    this.#dueAt = 0;
  }
}

/** What an earlier run could not delete. */
export function leftByLastRun(places: readonly CacheMount[]): Marker['left'] {
  const lefts = places.flatMap(({ seen }) => (seen.kind === 'marker' ? [seen.marker.left] : []));
  return lefts.includes('all') ? 'all' : [...new Set(lefts.flatMap((left) => (left === 'all' ? [] : left)))];
}
