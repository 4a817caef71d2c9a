/**
 * Asks a loop for one more run. It is made before the loop, and passed to all code that may have work for it:
 * none of it knows the loop.
 */
export class Wakeup {
  #asked = false;
  #rouse = () => {};

  /** Any number of calls before the loop takes them ask for exactly one run. */
  wake(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#rouse();
  }

  get asked(): boolean {
    return this.#asked;
  }

  /**
   * Must be called before the run, never after it: a wake that comes during the run may be for something that
   * the run has missed.
   */
  take(): void {
    this.#asked = false;
  }

  /** Resolves at the next wake or interruption. Only one loop may wait for it. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#rouse = resolve;
    });
  }

  /** Ends the wait without requesting a run. */
  interrupt(): void {
    this.#rouse();
  }
}
