import type { JournalRow } from '../core/contracts.ts';

/** Rows that are being cleared, or wait their turn: not forgotten (again.ts), however long that takes. Held and released by batch. */
export class InHand {
  readonly #held = new Set<readonly JournalRow[]>();

  hold(rows: readonly JournalRow[]): void {
    this.#held.add(rows);
  }

  /** The very array that was held. */
  release(rows: readonly JournalRow[]): void {
    this.#held.delete(rows);
  }

  /** Those of the rows that nobody holds. */
  free(rows: readonly JournalRow[]): JournalRow[] {
    const held = new Set([...this.#held].flatMap((batch) => batch.map(({ id }) => id)));
    return rows.filter(({ id }) => !held.has(id));
  }
}
