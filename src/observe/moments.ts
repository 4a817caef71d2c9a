import type { Event } from '../core/events.ts';
import type { Moment } from '../core/status.ts';

/** Between two moments, and how many there are: an hour. */
export const momentMs = 10_000;
const kept = 360;

/** The last hour, for the plots. */
export class Moments {
  readonly #all: Moment[] = [];
  #files = 0;
  #fastestMs = Number.POSITIVE_INFINITY;
  #slowestMs = Number.NEGATIVE_INFINITY;

  observe(event: Event): void {
    if (event.kind === 'tried') this.#files += event.files;
    if (event.kind !== 'cleared' || event.lagMs === null) return;
    this.#fastestMs = Math.min(this.#fastestMs, event.lagMs);
    this.#slowestMs = Math.max(this.#slowestMs, event.lagMs);
  }

  /** Ends the moment. */
  end(at: number, backlog: number | null): void {
    const cleared = Number.isFinite(this.#fastestMs);
    this.#all.push({
      at,
      backlog,
      files: this.#files,
      ...(cleared && { fastestMs: this.#fastestMs, slowestMs: this.#slowestMs }),
    });
    if (this.#all.length > kept) this.#all.shift();
    this.#files = 0;
    this.#fastestMs = Number.POSITIVE_INFINITY;
    this.#slowestMs = Number.NEGATIVE_INFINITY;
  }

  since(after: number): readonly Moment[] {
    return this.#all.filter(({ at }) => at > after);
  }
}
