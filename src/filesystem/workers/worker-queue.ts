import type { Worker } from './worker.ts';

type Waiter = (worker: Worker) => void;

/** This many requests in a hurry go before one in the background. */
const maxAhead = 3;

/** Requests that wait for a free worker, in the order of arrival. */
export class WorkerQueue {
  readonly #foreground: Waiter[] = [];
  readonly #background: Waiter[] = [];
  /** How many went before the first background request. */
  #passed = 0;

  add(waiter: Waiter, background: boolean): void {
    (background ? this.#background : this.#foreground).push(waiter);
  }

  next(): Waiter | undefined {
    const foreground =
      this.#passed < maxAhead || this.#background.length === 0 ? this.#foreground.shift() : undefined;
    this.#passed = foreground && this.#background.length > 0 ? this.#passed + 1 : 0;
    return foreground ?? this.#background.shift();
  }
}
