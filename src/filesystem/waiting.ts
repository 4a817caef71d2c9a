import type { Hand } from './hand.ts';

type Waiter = (hand: Hand) => void;

/** So many that are in a hurry go before one that is not. */
const patience = 3;

/** Those who wait for a hand, in the order of asking. */
export class Waiting {
  readonly #hurried: Waiter[] = [];
  readonly #unhurried: Waiter[] = [];
  /** How many went before the first that is in no hurry. */
  #passed = 0;

  add(waiter: Waiter, unhurried: boolean): void {
    (unhurried ? this.#unhurried : this.#hurried).push(waiter);
  }

  next(): Waiter | undefined {
    const hurried =
      this.#passed < patience || this.#unhurried.length === 0 ? this.#hurried.shift() : undefined;
    this.#passed = hurried && this.#unhurried.length > 0 ? this.#passed + 1 : 0;
    return hurried ?? this.#unhurried.shift();
  }
}
