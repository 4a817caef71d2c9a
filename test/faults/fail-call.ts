/** Which call of all is to fail, and how. */
export interface Failure {
  readonly nth: number;
  /** `for good`: every call from there on, until healed. */
  readonly lasting: 'once' | 'for good';
  /** `after`: the call has its effect, and then its answer is lost. */
  readonly edge: 'before' | 'after';
}

/**
 * So many calls fail in an outage before it heals by itself: the daemon must not give up, and the test must
 * end.
 */
const outageCalls = 5;

/** Makes one call of all that go through it fail. */
export class Breaker {
  calls = 0;
  #failed = 0;
  readonly #failure: Failure;

  constructor(failure: Failure) {
    this.#failure = failure;
  }

  /** What failed; empty when the run ended before its call came. */
  readonly broken: string[] = [];

  /** The same contract, breakable. */
  wrap<T extends object>(name: string, contract: T): T {
    return new Proxy(contract, {
      get: (target, method) => {
        const original: unknown = Reflect.get(target, method);
        if (typeof original !== 'function') return original;
        return (...values: unknown[]) =>
          this.call(`${name}.${String(method)}`, () => original.apply(target, values));
      },
    });
  }

  /** `lose` lets go of a result that never reaches the caller. */
  async call<T>(what: string, original: () => Promise<T>, lose?: (result: T) => void): Promise<T> {
    this.calls += 1;
    if (!this.#fails()) return original();
    this.#failed += 1;
    this.broken.push(what);
    if (this.#failure.edge === 'after') {
      const lost = await original();
      lose?.(lost);
    }
    throw new Error(`${what} fails, as it was told to`);
  }

  #fails(): boolean {
    const { nth, lasting } = this.#failure;
    return lasting === 'once' ? this.calls === nth : this.calls >= nth && this.#failed < outageCalls;
  }
}
