/** Which of all calls fails, and how. */
export interface Failure {
  /** How the names of the calls begin that count. Default: all. */
  readonly of?: string;
  readonly nth: number;
  /** `for good`: every call from this one on, until healed. */
  readonly lasting: 'once' | 'for good';
  /** `after`: the call takes effect, and then its answer is lost. */
  readonly edge: 'before' | 'after';
}

/**
 * The number of calls that fail in an outage before it heals by itself. The daemon must not give up, and the
 * test must end.
 */
const outageCalls = 5;

/** Makes one of the calls that go through it fail. */
export class Breaker {
  calls = 0;
  #failed = 0;
  readonly #failure: Failure;

  constructor(failure: Failure) {
    this.#failure = failure;
  }

  /** The failed calls. Empty when the run ended before its call came. */
  readonly broken: string[] = [];

  /** `lose` releases a result that never reaches the caller. */
  async call<T>(what: string, original: () => Promise<T>, lose?: (result: T) => void): Promise<T> {
    if (!what.startsWith(this.#failure.of ?? '')) return original();
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
