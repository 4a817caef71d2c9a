import type { FailingRow } from '../core/consumer-contract.ts';
import type { Clock } from '../core/contracts.ts';
import { explain, toError } from '../core/errors.ts';
import { orderKey } from '../core/order-key.ts';
import { clip, clipAll, longestError } from '../core/printable-text.ts';
import type { CountTimings } from '../core/reporting-timings.ts';
import { type CountSource, countHandlers, type HandlerCounts } from './count-handlers.ts';

/**
 * Counting takes a tenth of the time: a backlog of millions is slow to count, and clearing it is more
 * important.
 */
const restFor = 9;

const shownFailing = 50;

export interface Counts extends HandlerCounts {
  readonly failing: readonly FailingRow[];
  /** When the counting began, and when it was done. */
  readonly since: number;
  readonly at: number;
}

/** Counts what is in the database on request, and never twice at once, however many callers there are. */
export class CachedCounts {
  last: Counts | undefined;
  /** Why the last attempt to count failed. */
  error: string | undefined;
  readonly #clock: Clock;
  readonly #timings: CountTimings;
  #source: CountSource | undefined;
  #underWay: Promise<void> | undefined;
  #restUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, timings: CountTimings) {
    this.#clock = clock;
    this.#timings = timings;
  }

  /** These are counted from now on. */
  begin(source: CountSource): void {
    this.#source = source;
    this.#restUntil = Number.NEGATIVE_INFINITY;
  }

  /** These are no longer counted, and the last counts stay; others that have begun meanwhile go on. */
  end(source: CountSource): void {
    if (source === this.#source) this.#source = undefined;
  }

  /** Resolves when `last` is as fresh as possible now. Never rejects. */
  async fresh(): Promise<void> {
    if (this.#underWay === undefined) {
      if (this.#source === undefined || this.#clock.now() < this.#restUntil) return;
      this.#underWay = this.#count(this.#source);
    }
    const counted = new AbortController();
    const patience = this.#clock.wait(this.#timings.patienceMs, counted.signal).catch(() => {});
    await Promise.race([this.#underWay, patience]);
    counted.abort();
  }

  async #count(source: CountSource): Promise<void> {
    const started = this.#clock.now();
    try {
      const counted = await countHandlers(source);
      const failing = counted.handlers.some((one) => one.failing + one.invalid > 0)
        ? await listFailing(source)
        : [];
      if (source === this.#source) {
        this.last = { ...counted, failing, since: started, at: this.#clock.now() };
        this.error = undefined;
      }
    } catch (error) {
      if (source === this.#source) this.error = explain(toError(error));
    } finally {
      const now = this.#clock.now();
      if (source === this.#source) this.#restUntil = now + restMs(now - started, this.#timings);
      this.#underWay = undefined;
    }
  }
}

function restMs(tookMs: number, { freshMs, longestRestMs }: CountTimings): number {
  return Math.max(freshMs, Math.min(longestRestMs, restFor * tookMs));
}

/** Invalid ones come last: they stay for long, and must not hide rows that can still be cleared. */
async function listFailing({ owner, handlers, log }: CountSource): Promise<FailingRow[]> {
  const mine = owner === undefined ? {} : { owner };
  const failing = await log.failing({ invalid: false, ...mine }, shownFailing);
  const invalid = await log.failing({ invalid: true, ...mine }, shownFailing);
  return [...failing, ...invalid].slice(0, shownFailing).map((row) => ({
    ...row,
    key: clipAll(orderKey(row.key, handlers.get(row.handler)?.columns)),
    error: clip(row.error, longestError),
  }));
}
