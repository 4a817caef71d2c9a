import type { Clock } from '../core/contracts.ts';
import type { Limits } from '../core/timings.ts';
import { Loop, type LoopParts } from './loop.ts';

/**
 * Spaces requests that anybody may make. The first is served at once. While more come during the pause that
 * follows, each pause is twice as long as the last, up to a limit. So each request is served within the
 * limit, and a storm costs next to nothing.
 */
export class Throttle {
  readonly #clock: Clock;
  readonly #leastMs: number;
  readonly #mostMs: number;
  #restMs = 0;
  #takenAt = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, { leastMs, mostMs }: Limits) {
    this.#clock = clock;
    this.#leastMs = leastMs;
    this.#mostMs = mostMs;
  }

  /** Resolves when the next turn may be taken, or the signal aborts. */
  async turn(signal: AbortSignal): Promise<void> {
    const ms = this.#takenAt + this.#restMs - this.#clock.now();
    if (ms > 0) await this.#clock.wait(ms, signal).catch(() => {});
    this.#restMs = ms > 0 ? Math.min(this.#mostMs, this.#restMs * 2) : this.#leastMs;
    this.#takenAt = this.#clock.now();
  }
}

/** A loop that runs the work at each turn. */
export function throttledLoop(name: string, limits: Limits, parts: LoopParts, act: () => void): Loop {
  const throttle = new Throttle(parts.clock, limits);
  return new Loop(
    name,
    async (signal) => {
      await throttle.turn(signal);
      act();
      return null;
    },
    parts,
  );
}
