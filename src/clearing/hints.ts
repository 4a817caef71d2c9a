import type { Clock, Key } from '../core/contracts.ts';
import type { Step, TargetCache } from '../core/target-cache.ts';

/** Any role may notify, with any key: at most so many at a time, and the rest is cleared with its entry. */
const mostAtOnce = 2;

/**
 * After a hint that deleted nothing none is taken for so many times as long as it took: a flood of false ones
 * leaves the processor to others.
 */
const restFactor = 8;

/** How long a clearing waits for hints of its handler, to count their files: a disk may hang. */
const countMs = 250;

export interface Deleted {
  files: number;
  /** Only on request. */
  paths: string[];
}

/**
 * A notification may name its key (sql/5-enqueue.sql). What the key names is then deleted at once, before the
 * entry is claimed. It is only sooner: the entry is cleared as if this had not happened, so a hint may fail, or
 * be false.
 */
export class Hints {
  readonly #cache: TargetCache;
  readonly #clock: Clock;
  readonly #running = new Map<Promise<number>, string>();
  #restsUntil = Number.NEGATIVE_INFINITY;
  /** What hints have deleted since the handler's last clearing, which counts it. */
  readonly #deleted = new Map<string, Deleted>();

  constructor(cache: TargetCache, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
  }

  get areTaken(): boolean {
    return this.#running.size < mostAtOnce && this.#clock.now() >= this.#restsUntil;
  }

  /** Deletes what the key names. Undefined if it names nothing, else resolves when it is done; never rejects. */
  take(handler: string, { plans }: Step, key: Key): Promise<unknown> | undefined {
    const works = plans.flatMap((plan) => {
      try {
        return [plan.expand(key)];
      } catch {
        // Its entry tells what is wrong with the key. Or a function fills the columns (`expand`).
        return [];
      }
    });
    if (works.length === 0) return undefined;
    const began = this.#clock.now();
    const running = this.#clear(handler, works).catch(() => 0);
    this.#running.set(running, handler);
    void running.then((files) => {
      this.#running.delete(running);
      const now = this.#clock.now();
      if (files === 0) this.#restsUntil = now + restFactor * (now - began);
    });
    return running;
  }

  /** Returns how many files it has deleted. */
  async #clear(handler: string, works: string[]): Promise<number> {
    const { files, paths = [] } = await this.#cache.clear([works], { background: true, secondFollows: true });
    const deleted = this.#deleted.get(handler) ?? { files: 0, paths: [] };
    deleted.files += files;
    for (const path of paths) deleted.paths.push(path);
    this.#deleted.set(handler, deleted);
    return files;
  }

  /** What hints of the handler have deleted since this was called last. */
  async counted(handler: string): Promise<Deleted | undefined> {
    const running = [...this.#running].flatMap(([promise, name]) => (name === handler ? [promise] : []));
    if (running.length > 0) {
      const ended = new AbortController();
      await Promise.race([Promise.all(running), this.#clock.wait(countMs, ended.signal).catch(() => {})]);
      ended.abort();
    }
    const deleted = this.#deleted.get(handler);
    this.#deleted.delete(handler);
    return deleted;
  }
}
