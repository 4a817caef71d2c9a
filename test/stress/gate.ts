import { once, setMaxListeners } from 'node:events';

/** Lets loops pass while it is open. Once closed, it reports when all loops wait at it. */
export class Gate {
  readonly #loops: number;
  readonly #events = new EventTarget();
  #open = false;
  #waiting = 0;

  constructor(loops: number) {
    this.#loops = loops;
    setMaxListeners(loops + 1, this.#events);
  }

  open(): void {
    this.#open = true;
    this.#events.dispatchEvent(new Event('open'));
  }

  /** Resolves when every loop has finished its current turn. */
  async close(): Promise<void> {
    this.#open = false;
    while (!this.#open && this.#waiting < this.#loops) await once(this.#events, 'waiting');
  }

  async pass(): Promise<void> {
    if (this.#open) return;
    this.#waiting += 1;
    this.#events.dispatchEvent(new Event('waiting'));
    while (!this.#open) await once(this.#events, 'open');
    this.#waiting -= 1;
  }
}
