import type { WorkerTimings } from '../../core/timings.ts';
import type { Worker } from './worker.ts';
import { WorkerQueue } from './worker-queue.ts';

type JoinTimings = Pick<WorkerTimings, 'joinSilentMs' | 'joinBusyMs'>;

/** At most this many are joined by another. */
const maxReplaced = 4;

/** A number of workers, and the requests that wait for one. */
export class WorkerPool {
  readonly #make: () => Worker;
  readonly #timings: JoinTimings;
  /** The workers that are in use. */
  readonly #placed: Set<Worker>;
  readonly #free: Worker[];
  /** Still busy, and closed when they finish. */
  readonly #replaced = new Set<Worker>();
  readonly #waiting = new WorkerQueue();

  constructor(size: number, make: () => Worker, timings: JoinTimings) {
    this.#make = make;
    this.#timings = timings;
    this.#free = Array.from({ length: size }, make);
    this.#placed = new Set(this.#free);
  }

  get all(): readonly Worker[] {
    return [...this.#placed, ...this.#replaced];
  }

  async use<Result>(work: (worker: Worker) => Promise<Result>, background: boolean): Promise<Result> {
    const worker = this.#free.shift() ?? (await this.#next(background));
    try {
      return await work(worker);
    } finally {
      if (this.#replaced.delete(worker)) void worker.close();
      else this.#give(worker);
    }
  }

  async #next(background: boolean): Promise<Worker> {
    const timer = setInterval(() => this.#replaceSlow(), this.#timings.joinSilentMs / 2);
    const worker = await new Promise<Worker>((resolve) => this.#waiting.add(resolve, background));
    clearInterval(timer);
    return worker;
  }

  #give(worker: Worker): void {
    const next = this.#waiting.next();
    if (next) next(worker);
    else if (worker.isStarted) this.#free.unshift(worker);
    // It may be impossible to start it again: where another one works, that one is asked.
    else this.#free.push(worker);
  }

  /** Waiting requests need not wait until it answers or is given up: a large deletion takes a long time. */
  #replaceSlow(): void {
    const { joinSilentMs, joinBusyMs } = this.#timings;
    for (const worker of this.#placed) {
      if (this.#replaced.size === maxReplaced) return;
      if (worker.waitingMs < joinSilentMs && worker.busyMs < joinBusyMs) continue;
      this.#placed.delete(worker);
      this.#replaced.add(worker);
      const other = this.#make();
      this.#placed.add(other);
      this.#give(other);
    }
  }
}
