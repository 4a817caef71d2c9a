import type { ClaimTimings } from '../core/timings.ts';

const leastSize = 10;

/**
 * How many rows the next claim takes, or the next statement of settling. A slow or failed one halves it, since
 * a statement that timed out would time out again. A quick one doubles it, up to the limit.
 */
export class AdaptiveBatchSize {
  size: number;
  readonly #limit: number;
  readonly #slowMs: number;

  constructor(limit: number, { slowMs }: Pick<ClaimTimings, 'slowMs'>) {
    this.#limit = limit;
    this.#slowMs = slowMs;
    this.size = limit;
  }

  succeeded(ms: number): void {
    if (ms > this.#slowMs) this.#slower();
    else if (ms < this.#slowMs / 4) this.size = Math.min(this.#limit, this.size * 2);
  }

  failed(): void {
    this.#slower();
  }

  /** For work that takes its time for other reasons, too: after a failure, successes grow it step by step. */
  async after<Result>(work: Promise<Result>): Promise<Result> {
    try {
      const result = await work;
      this.size = Math.min(this.#limit, Math.ceil(this.size * 1.1));
      return result;
    } catch (error) {
      this.failed();
      throw error;
    }
  }

  #slower(): void {
    this.size = Math.max(Math.min(leastSize, this.#limit), Math.floor(this.size / 2));
  }
}
