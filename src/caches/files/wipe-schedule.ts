import type { Handler } from '../../clearing/handler.ts';
import { backoffMs } from '../../core/backoff.ts';
import type { Clock } from '../../core/contracts.ts';
import type { Observe } from '../../core/events.ts';
import type { PageFiles } from '../../core/page-files.ts';
import type { Marker } from '../../core/root.ts';
import type { Limits } from '../../core/timings.ts';
import type { CacheMount, WipeReason } from './judge-root.ts';
import { type PatternCovers, wipe } from './wipe.ts';

export interface WipeParts {
  readonly cache: Pick<PageFiles, 'clear'>;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly covers: PatternCovers;
  readonly clock: Clock;
  readonly retry: Limits;
  readonly observe: Observe;
}

type Identities = Readonly<Record<string, string>>;

/** The wipe that is due: everything once, then only what could not be deleted, with increasing delay. */
export class WipeSchedule {
  readonly #parts: WipeParts;
  #why: WipeReason | undefined;
  #left: Marker['left'] = [];
  #attempts = 0;
  #dueAt = 0;
  /** It was reported that something is left, perhaps by an earlier run. */
  #reported = false;
  /** What was seen when the wipe began. It is done only once, even while no marker can record it. */
  #seen = '';
  /** One wipe follows the other: each begins with what is left. */
  #turn: Promise<unknown> = Promise.resolve();

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

  /** @param seen undefined: it is due whatever was seen */
  begin(why: WipeReason, seen: string | undefined): void {
    if (seen !== undefined && seen === this.#seen) return;
    this.#seen = seen ?? why;
    this.#why = why;
    this.#due('all');
  }

  /** Markers record the wipe. Where the same is seen again, they are gone, and other pages may be back. */
  recorded(): void {
    this.#seen = 'recorded';
  }

  /** What an earlier run could not delete. */
  resume(left: Marker['left']): void {
    if (this.#seen !== '') return;
    this.#seen = 'resumed';
    this.#reported = left.length > 0;
    this.#due(left);
  }

  step(identities: Identities): Promise<void> {
    return this.#inTurn(() => this.#wipeDue(identities));
  }

  /** Everything once more. What cannot be deleted is retried like what the first wipe has left. */
  again(identities: Identities): Promise<void> {
    return this.#inTurn(() => {
      this.#due('all');
      return this.#wipeDue(identities);
    });
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #wipeDue(identities: Identities): Promise<void> {
    const { cache, handlers, covers, observe, clock, retry } = this.#parts;
    if (this.nextMs > 0) return;
    const clear: PageFiles['clear'] = (patterns) => cache.clear(patterns, { identities });
    const { files, left, failures } = await wipe(clear, handlers.values(), { of: this.#left, covers });
    if (this.#why) observe({ kind: 'cache-wiped', files, whole: left.length === 0, why: this.#why });
    this.#why = undefined;
    this.#left = left;
    this.#attempts += 1;
    if (left.length === 0 && this.#reported) observe({ kind: 'wipe-completed' });
    this.#reported = left.length > 0;
    this.#dueAt = clock.now() + backoffMs(this.#attempts, retry);
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
