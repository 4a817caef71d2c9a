import type { JournalRow } from '../core/contracts.ts';

/**
 * Rows that are being cleared or wait for it. They are not abandoned (recovery.ts), however long that takes.
 * Added and removed by batch.
 */
export class InFlight {
  readonly #batches = new Set<readonly JournalRow[]>();

  add(rows: readonly JournalRow[]): void {
    this.#batches.add(rows);
  }

  /** Must be the same array that was added. */
  remove(rows: readonly JournalRow[]): void {
    this.#batches.delete(rows);
  }

  /** The rows that are not in flight. */
  exclude(rows: readonly JournalRow[]): JournalRow[] {
    const inFlight = new Set([...this.#batches].flatMap((batch) => batch.map(({ id }) => id)));
    return rows.filter(({ id }) => !inFlight.has(id));
  }
}
