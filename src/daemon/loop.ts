import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/contracts.ts';
import { StoppingError, toError } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import type { Limits, Timings } from '../core/timings.ts';
import { Wakeup } from '../core/wakeup.ts';

/**
 * Work to do when woken. It returns the milliseconds after which it must run again without a wake, or null.
 */
export type Work = (signal: AbortSignal) => Promise<number | null>;

export interface LoopParts {
  readonly clock: Clock;
  readonly observe: Observe;
  readonly timings: Pick<Timings, 'backoff'>;
  readonly wakeup?: Wakeup;
}

/**
 * Runs its work when it is woken, never twice at once. Wakes coalesce: any number of them during the work
 * means exactly one more run. The loop is ASLEEP until a wake, the time that the work asked for, or a stop;
 * WORKING; or BACKING OFF after an error. Wakes do not shorten the back-off: the failed run is repeated after
 * it, and a storm of notifications must not make it spin.
 */
export class Loop {
  readonly #name: string;
  readonly #work: Work;
  readonly #clock: Clock;
  readonly #observe: Observe;
  readonly #backoff: Limits;
  readonly #stopped = new AbortController();
  readonly #wakeup: Wakeup;
  readonly #running: Promise<void>;

  /** @param wakeup created by the caller, if others than the owner of the loop wake it */
  constructor(name: string, work: Work, { clock, observe, timings, wakeup = new Wakeup() }: LoopParts) {
    this.#name = name;
    this.#wakeup = wakeup;
    this.#work = work;
    this.#clock = clock;
    this.#observe = observe;
    this.#backoff = timings.backoff;
    this.#running = this.#run();
  }

  wake(): void {
    this.#wakeup.wake();
  }

  /** Resolves when the current work is finished. The work may end early: its signal is aborted. */
  stop(): Promise<void> {
    this.#stopped.abort();
    this.#wakeup.interrupt();
    return this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    let lastMessage = '';
    await this.#asleep(null);
    while (!this.#stopped.signal.aborted) {
      this.#wakeup.take();
      try {
        const againMs = await this.#work(this.#stopped.signal);
        if (failures > 0) this.#observe({ kind: 'loop-recovered', loop: this.#name });
        failures = 0;
        lastMessage = '';
        await this.#asleep(againMs);
      } catch (thrown) {
        const error = toError(thrown);
        if (this.#stopped.signal.aborted) return this.#failedAtStop(error);
        const retryMs = backoffMs(++failures, this.#backoff);
        if (error.message !== lastMessage)
          this.#observe({ kind: 'loop-failed', loop: this.#name, error, retryMs });
        lastMessage = error.message;
        await this.#clock.wait(retryMs, this.#stopped.signal).catch(() => {});
      }
    }
  }

  #failedAtStop(error: Error): void {
    if (!(error instanceof StoppingError))
      this.#observe({ kind: 'loop-failed', loop: this.#name, error, retryMs: null });
  }

  /** Without a deadline no timer is made: cancelling one would cost each single event 0.2 ms. */
  async #asleep(ms: number | null): Promise<void> {
    if (this.#wakeup.asked || this.#stopped.signal.aborted || ms === 0) return;
    const roused = this.#wakeup.next();
    if (ms === null) {
      await roused;
      return;
    }
    const sleep = new AbortController();
    const over = this.#clock.wait(ms, sleep.signal).catch(() => {});
    await Promise.race([roused, over]);
    sleep.abort();
  }
}
