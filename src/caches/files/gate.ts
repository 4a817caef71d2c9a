/** Callers wait for its value while it is closed. */
export class Gate<Value> {
  #value: Promise<Value>;
  #open: ((value: Value) => void) | undefined;
  #refuse: (error: Error) => void = () => {};
  #ended: Error | undefined;

  constructor() {
    this.#value = this.#waiting();
  }

  get value(): Promise<Value> {
    return this.#ended && this.#open ? Promise.reject(this.#ended) : this.#value;
  }

  get ended(): boolean {
    return this.#ended !== undefined;
  }

  open(value: Value): void {
    if (this.#open) this.#open(value);
    else this.#value = Promise.resolve(value);
    this.#open = undefined;
  }

  close(): void {
    if (!this.#open) this.#value = this.#waiting();
  }

  /** Closes it for all later callers. */
  end(error: Error): void {
    this.#ended = error;
    if (this.#open) this.#refuse(error);
  }

  #waiting(): Promise<Value> {
    const value = new Promise<Value>((resolve, reject) => {
      this.#open = resolve;
      this.#refuse = reject;
    });
    // Handled here, since there may be no caller waiting.
    value.catch(() => {});
    return value;
  }
}
