import type { IdRange } from '../core/consumer-contract.ts';
import type { LogRow } from '../core/contracts.ts';

interface Range extends IdRange {
  readonly done: boolean;
}

/**
 * Which rows of the log have had their first clearing: all up to `clearedTo`, and beyond it some ranges, which
 * are done or under way. What is not in a range is a gap: rows that are not known here, or ids that were
 * never used. Ranges that are done are one where they touch: how many there are depends on what is under way,
 * not on how much was done while that takes its time.
 */
export class Progress {
  #clearedTo: number;
  /** By id; they do not overlap. */
  #ranges: Range[] = [];
  /** Those under way. */
  readonly #ofRows = new Map<readonly LogRow[], Range>();

  constructor(clearedTo: number) {
    this.#clearedTo = clearedTo;
  }

  get clearedTo(): number {
    return this.#clearedTo;
  }

  /** The first ids that are in no range; without `upTo` when nothing is known beyond. */
  get gap(): { after: number; upTo?: number } {
    let after = this.#clearedTo;
    for (const range of this.#ranges) {
      if (range.after > after) return { after, upTo: range.after };
      after = range.upTo;
    }
    return { after };
  }

  /** False: some of these rows are known already. */
  add(rows: readonly LogRow[], range = rangeOf(rows)): boolean {
    if (range === undefined || range.after < this.#clearedTo) return false;
    const following = this.#ranges.findIndex((other) => other.after >= range.upTo);
    const at = following === -1 ? this.#ranges.length : following;
    if ((this.#ranges[at - 1]?.upTo ?? 0) > range.after) return false;
    const added = { ...range, done: false };
    this.#ranges.splice(at, 0, added);
    this.#ofRows.set(rows, added);
    return true;
  }

  /** Their first clearing is over: what failed is kept elsewhere. The same array that was added. */
  finish(rows: readonly LogRow[]): void {
    const range = this.#ofRows.get(rows);
    if (range === undefined) return;
    this.#ofRows.delete(rows);
    const at = this.#ranges.indexOf(range);
    const before = this.#ranges[at - 1];
    const behind = this.#ranges[at + 1];
    const joinsBefore = before?.done === true && before.upTo === range.after;
    const joinsBehind = behind?.done === true && behind.after === range.upTo;
    const { after } = joinsBefore ? before : range;
    const { upTo } = joinsBehind ? behind : range;
    const isFirst = after === this.#clearedTo;
    const joined = isFirst ? [] : [{ after, upTo, done: true }];
    const from = joinsBefore ? at - 1 : at;
    this.#ranges.splice(from, (joinsBehind ? at + 2 : at + 1) - from, ...joined);
    if (isFirst) this.#clearedTo = upTo;
  }

  /** They were not cleared: a gap again. Nothing if they were. */
  giveUp(rows: readonly LogRow[]): void {
    const range = this.#ofRows.get(rows);
    if (range === undefined) return;
    this.#ofRows.delete(rows);
    this.#ranges = this.#ranges.filter((one) => one !== range);
  }
}

/** The ids of one claim follow each other: nobody else appends meanwhile. */
function rangeOf(rows: readonly LogRow[]): IdRange | undefined {
  const [first] = rows;
  const last = rows.at(-1);
  if (!first || !last || last.id - first.id !== rows.length - 1) return undefined;
  return { after: first.id - 1, upTo: last.id };
}
