import type { FailingRowsOfConsumer, IdRange, LogPart } from '../core/consumer-contract.ts';
import type { Observe } from '../core/events.ts';

interface Parts {
  readonly failing: Pick<FailingRowsOfConsumer, 'keepOrphans'>;
  readonly observe: Observe;
}

/**
 * Rows of the log of handlers that no consumer clears for: they are not configured any more. Every cursor passes
 * over them, so they are kept like rows that fail, until their handler is configured again, or they are discarded.
 */
export class Orphans {
  readonly #parts: Parts;
  /** By handler, how many were kept and are not reported yet. */
  #kept = new Map<string, number>();
  readonly #reported = new Set<string>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  async keep(range: IdRange, others: LogPart['others']): Promise<void> {
    const found = Object.entries(others);
    if (found.length === 0) return;
    await this.#parts.failing.keepOrphans(
      range,
      found.map(([handler]) => handler),
    );
    for (const [handler, rows] of found) this.#kept.set(handler, (this.#kept.get(handler) ?? 0) + rows);
  }

  /** Reports each handler once, when the log has been read to its end. */
  report(): void {
    for (const [handler, rows] of this.#kept) {
      if (!this.#reported.has(handler)) this.#parts.observe({ kind: 'rows-orphaned', handler, rows });
      this.#reported.add(handler);
    }
    this.#kept = new Map();
  }
}
