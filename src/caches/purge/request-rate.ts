import type { Clock } from '../../core/contracts.ts';

export interface Rate {
  /** Between two requests, in milliseconds. */
  readonly intervalMs: number;
  /** So many may be sent at once after a pause. */
  readonly burst: number;
}

/** Parses `5/s`, `5/m` or `5/m burst 25`. Throws an Error that completes "rate = …". */
export function parseRate(text: string): Rate {
  const [, count, unit, burst = 1] = /^(\d+) *\/ *([sm])(?: +burst +(\d+))?$/.exec(text) ?? [];
  if (!(Number(count) > 0 && Number(burst) > 0))
    throw new Error('must be requests by the second or minute, such as 5/s, 5/m or 5/m burst 25');
  return { intervalMs: (unit === 's' ? 1_000 : 60_000) / Number(count), burst: Number(burst) };
}

/** Where a target asks to wait without saying how long. */
const firstRestMs = 1_000;
const longestRestMs = 60_000;

/** When requests may be sent: no more often than the rate says, and not while the target has asked to wait. */
export class RequestRate {
  readonly #rate: Rate | undefined;
  readonly #clock: Clock;
  /** When the next request is due if none is sent early. */
  #dueAt = Number.NEGATIVE_INFINITY;
  #restsUntil = Number.NEGATIVE_INFINITY;
  #restMs = firstRestMs;

  constructor(rate: Rate | undefined, clock: Clock) {
    this.#rate = rate;
    this.#clock = clock;
  }

  /** Resolves when a request may be sent; undefined: it may be sent now. */
  turn(signal: AbortSignal): Promise<void> | undefined {
    const own = this.#take();
    return this.#msTo(own) > 0 ? this.#until(own, signal) : undefined;
  }

  async #until(own: number, signal: AbortSignal): Promise<void> {
    // The target may ask to wait meanwhile.
    for (let ms = this.#msTo(own); ms > 0; ms = this.#msTo(own)) await this.#clock.wait(ms, signal);
  }

  #msTo(own: number): number {
    return Math.max(own, this.#restsUntil) - this.#clock.now();
  }

  /** The target has asked to wait: for so long, or for 1, 2, 4 … 60 s. Returns the milliseconds that are left of it. */
  rest(ms: number | undefined): number {
    const now = this.#clock.now();
    if (ms !== undefined) this.#restsUntil = Math.max(this.#restsUntil, now + ms);
    // Requests that were under way together are one.
    else if (now >= this.#restsUntil) {
      this.#restsUntil = now + this.#restMs;
      this.#restMs = Math.min(this.#restMs * 2, longestRestMs);
    }
    return Math.max(0, this.#restsUntil - now);
  }

  /** The target has taken a request. */
  goOn(): void {
    this.#restMs = firstRestMs;
  }

  /** The time from which one more request may be sent. */
  #take(): number {
    const now = this.#clock.now();
    if (!this.#rate) return now;
    const { intervalMs, burst } = this.#rate;
    const dueAt = Math.max(this.#dueAt, now);
    this.#dueAt = dueAt + intervalMs;
    return dueAt - (burst - 1) * intervalMs;
  }
}
