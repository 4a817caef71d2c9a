import { backoffMs } from '../core/backoff.ts';
import type { Clock } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';

/** Work to be done when woken. It returns the milliseconds after which it wants to be woken anyway, or null. */
export type Work = (signal: AbortSignal) => Promise<number | null>;

/**
 * Runs its work whenever it is woken, never twice at once. Wakes coalesce: any number of them during the work means exactly one
 * more run. The loop is ASLEEP until a wake, the time the work asked for, or stop; WORKING; or, after an error, DEAF for a
 * back-off that wakes do not shorten, since the failed run is repeated after it and a storm of notifications must not spin.
 */
export class Loop {
  readonly #name: string;
  readonly #work: Work;
  readonly #clock: Clock;
  readonly #observe: Observe;
  readonly #stopped = new AbortController();
  readonly #running: Promise<void>;
  #woken = false;
  #rouse = () => {};

  constructor(name: string, work: Work, { clock, observe }: { clock: Clock; observe: Observe }) {
    this.#name = name;
    this.#work = work;
    this.#clock = clock;
    this.#observe = observe;
    this.#running = this.#run();
  }

  wake(): void {
    if (this.#woken) return;
    this.#woken = true;
    this.#rouse();
  }

  /** Resolves when the work at hand is finished. The work may end early: its signal is aborted. */
  stop(): Promise<void> {
    this.#stopped.abort();
    this.#rouse();
    return this.#running;
  }

  async #run(): Promise<void> {
    let failures = 0;
    let lastMessage = '';
    await this.#asleep(null);
    while (!this.#stopped.signal.aborted) {
      // Before the work, never after: what comes in while the work is under way may be behind what it has seen.
      this.#woken = false;
      try {
        const againMs = await this.#work(this.#stopped.signal);
        if (failures > 0) this.#observe({ kind: 'loop-recovered', loop: this.#name });
        failures = 0;
        lastMessage = '';
        await this.#asleep(againMs);
      } catch (thrown) {
        const error = toError(thrown);
        const retryMs = backoffMs(++failures);
        if (error.message !== lastMessage)
          this.#observe({ kind: 'loop-failed', loop: this.#name, error, retryMs });
        lastMessage = error.message;
        await this.#clock.wait(retryMs, this.#stopped.signal).catch(() => {});
      }
    }
  }

  /** Without a time it waits for nothing but to be roused: the way of a single event, which an aborted wait makes 0.2 ms longer. */
  async #asleep(ms: number | null): Promise<void> {
    if (this.#woken || this.#stopped.signal.aborted || ms === 0) return;
    const roused = new Promise<void>((resolve) => {
      this.#rouse = resolve;
    });
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
