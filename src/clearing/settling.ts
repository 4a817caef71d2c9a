import type { ConsumerLog, TransactionSnapshot } from '../core/consumer-contract.ts';
import type { Clock } from '../core/contracts.ts';
import type { SettlingTimings } from '../core/timings.ts';
import type { Wakeup } from '../core/wakeup.ts';
import { advanceCohort, beginCohort, type Cohort, mergeCohorts } from './cohort.ts';
import type { Progress } from './progress.ts';
import { SettlingSchedule } from './settling-schedule.ts';

/** How far the second clearing of a cohort has come. */
export interface Position {
  /** In the log. */
  readonly settledTo: number;
  /** In uncached.failing, by id. */
  readonly retried: number;
}

interface SettlingParts {
  readonly log: Pick<ConsumerLog, 'snapshot' | 'advance' | 'becomeLive'>;
  /** Woken when there is something to do. */
  readonly wakeup: Wakeup;
  readonly clock: Clock;
  readonly timings: SettlingTimings;
  /** The settle time, from the end of the grace. */
  readonly settleMs: (cohort: Cohort) => number;
  /** The first clearings. */
  readonly progress: Progress;
  /** Where the durable cursor stands. */
  readonly settledTo: number;
  /** The content is unknown: the cache is wiped again with the first cohort. */
  readonly wiping: boolean;
  /** Clears a part of a cohort for the second time. Undefined: that was the last one. */
  readonly clearAgain: (cohort: Cohort, position: Position) => Promise<Position | undefined>;
  /** The milliseconds until a cohort up to this id may be cleared again: another cache must have settled it before. */
  readonly msTo: (id: number) => number;
  /** The durable cursor could not be advanced: the consumer has expired, or is another daemon's. */
  readonly onLost: () => void;
}

/**
 * Settles what was cleared: clears it a second time, after which the durable cursor advances.
 *
 * Rows cleared for the first time wait here in cohorts (cohort.ts). A cohort is in its GRACE, then SETTLING for
 * the settle time, for a writer that read before the last of the noted transactions and has yet to publish;
 * then RIPE: cleared again.
 *
 * All of this is in memory, and it is little: a cohort is a range of the log. After a restart every row beyond
 * the durable cursor begins again with its first clearing. Many claims share one snapshot, since a later one
 * only contains more transactions; but no row is in a snapshot that was sent before its claim was committed.
 */
export class Settling {
  readonly #parts: SettlingParts;
  #cohorts: Waiting[] = [];
  /** The end of the last cohort. */
  #notedTo: number;
  #settledTo: number;
  /** When what was cleared since needs a snapshot; undefined: nothing was. */
  #snapshotBy: number | undefined;
  #snapshotAt = Number.NEGATIVE_INFINITY;
  readonly #schedule: SettlingSchedule;
  /** Rows in uncached.failing whose retry has succeeded since the last snapshot have this number. */
  #failingCohort = 1;
  /** Such numbers, of which rows have come since; perhaps with an earlier one, given them before the snapshot. */
  #retried = new Set<number>();
  /** The next cohort wipes the cache. */
  #wipes: boolean;
  /** What the durable cursors are. */
  #written: { settledTo: number; clearedTo: number };
  #doubted = false;

  constructor(parts: SettlingParts) {
    this.#parts = parts;
    this.#schedule = new SettlingSchedule(parts.timings);
    this.#settledTo = parts.settledTo;
    this.#notedTo = parts.settledTo;
    this.#written = { settledTo: parts.settledTo, clearedTo: parts.settledTo };
    this.#wipes = parts.wiping;
    if (parts.wiping) this.#snapshotBy = Number.NEGATIVE_INFINITY;
  }

  get settledTo(): number {
    return this.#settledTo;
  }

  /** Its content is unknown until it is wiped again. */
  get isWiping(): boolean {
    return this.#wipes || this.#cohorts.some(({ cohort }) => cohort.wipes);
  }

  /** Whether something waits for its second clearing. */
  get pending(): boolean {
    return this.#snapshotBy !== undefined || this.#cohorts.length > 0;
  }

  /**
   * The server may have undone what was settled here, and may give the ids to other rows: the durable cursors
   * stay where they are.
   */
  doubt(): void {
    this.#doubted = true;
  }

  /** Writes the durable cursors. */
  async flush(): Promise<void> {
    if (this.#unwritten) await this.#write();
  }

  /** How many ids of the log a transaction holds up, according to the last snapshot. */
  get held(): number {
    let after = this.#settledTo;
    let held = 0;
    for (const { cohort, graceEnded } of this.#cohorts) {
      if (graceEnded === undefined) held += cohort.upTo - after;
      after = cohort.upTo;
    }
    return held;
  }

  /** The number for rows of uncached.failing that settle with the next cohort. */
  get failingCohort(): number {
    return this.#failingCohort;
  }

  /**
   * Rows were cleared. `more`: another batch follows at once, so the snapshot may wait and serve both.
   * @param retried the number of rows in uncached.failing
   */
  cleared({ more = false, retried }: { more?: boolean; retried?: number } = {}): void {
    const now = this.#parts.clock.now();
    if (retried !== undefined) this.#retried.add(retried);
    const by = more ? now + this.#parts.timings.gatherMs : now;
    this.#snapshotBy = Math.min(this.#snapshotBy ?? by, by);
    this.#parts.wakeup.wake();
  }

  /** No other batch follows: the snapshot need not wait for it. */
  noMore(): void {
    if (this.#snapshotBy !== undefined) this.cleared();
  }

  /**
   * Does what can be done now; of a cohort, which may have a million rows, one part. Returns the milliseconds
   * until there is more to do, null if nothing is pending.
   */
  async step(): Promise<number | null> {
    if (this.#msToSnapshot() <= 0) await this.#snapshot();
    if (this.#msToRipe() <= 0) await this.#settlePart();
    if (this.#msToWrite() <= 0) await this.#write();
    const ms = Math.min(this.#msToSnapshot(), this.#msToRipe(), this.#msToWrite());
    return Number.isFinite(ms) ? Math.max(0, ms) : null;
  }

  #msToSnapshot(): number {
    const now = this.#parts.clock.now();
    const waiting = this.#cohorts.some(({ graceEnded }) => graceEnded === undefined);
    const again = waiting ? this.#schedule.lookAt - now : Number.POSITIVE_INFINITY;
    return Math.min(again, (this.#snapshotBy ?? Number.POSITIVE_INFINITY) - now);
  }

  async #snapshot(): Promise<void> {
    const { log, progress, clock } = this.#parts;
    const rows = { upTo: progress.clearedTo, failing: [...this.#retried], wipes: this.#wipes };
    const isNew = rows.upTo > this.#notedTo || rows.failing.length > 0 || rows.wipes;
    this.#snapshotBy = undefined;
    // Rows whose retry succeeds meanwhile are not in this one.
    if (rows.failing.length > 0) this.#failingCohort += 1;
    this.#retried = new Set();
    const waiting = this.#cohorts.some(({ graceEnded }) => graceEnded === undefined);
    if (!isNew && !waiting) return;
    const seen = await log.snapshot({ after: this.#notedTo, upTo: rows.upTo }).catch((error) => {
      this.#snapshotBy = clock.now();
      for (const number of rows.failing) this.#retried.add(number);
      throw error;
    });
    this.#snapshotAt = clock.now();
    this.#schedule.looked(this.#snapshotAt, { awaited: seen.awaited ?? false, isNew });
    this.#advance(seen);
    if (isNew) this.#cohorts.push(this.#waiting(beginCohort(rows, seen)));
    this.#notedTo = rows.upTo;
    this.#wipes = false;
    this.#merge();
  }

  #advance(seen: TransactionSnapshot): void {
    this.#cohorts = this.#cohorts.map((waiting) =>
      waiting.graceEnded === undefined ? this.#waiting(advanceCohort(waiting.cohort, seen)) : waiting,
    );
  }

  #waiting(cohort: Cohort): Waiting {
    return { cohort, graceEnded: cohort.waitsFor.size === 0 ? this.#snapshotAt : undefined, retried: 0 };
  }

  /** Those whose grace has ended keep the time when it did. */
  #merge(): void {
    const ended = this.#cohorts.filter(({ graceEnded }) => graceEnded !== undefined);
    const graces = this.#cohorts.slice(ended.length).map(({ cohort }) => cohort);
    this.#cohorts = [...ended, ...mergeCohorts(graces).map((cohort) => this.#waiting(cohort))];
  }

  #msToRipe(): number {
    const { msTo, settleMs, clock } = this.#parts;
    const [first] = this.#cohorts;
    const allowedMs = msTo(first?.cohort.upTo ?? this.#notedTo);
    if (first?.graceEnded === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(allowedMs, first.graceEnded + settleMs(first.cohort) - clock.now());
  }

  async #settlePart(): Promise<void> {
    const [first] = this.#cohorts;
    if (!first) return;
    const { cohort, retried } = first;
    const position = await this.#parts.clearAgain(cohort, { settledTo: this.#settledTo, retried });
    this.#settledTo = position?.settledTo ?? cohort.upTo;
    if (position) {
      this.#cohorts[0] = { ...first, retried: position.retried };
      return;
    }
    if (cohort.wipes && !(await this.#parts.log.becomeLive(this.#written.settledTo))) this.#parts.onLost();
    this.#cohorts.shift();
  }

  get #unwritten(): boolean {
    if (this.#doubted) return false;
    return (
      this.#settledTo > this.#written.settledTo || this.#parts.progress.clearedTo > this.#written.clearedTo
    );
  }

  #msToWrite(): number {
    return this.#unwritten ? this.#schedule.writeAt - this.#parts.clock.now() : Number.POSITIVE_INFINITY;
  }

  async #write(): Promise<void> {
    const { log, progress, clock, onLost } = this.#parts;
    const cursors = { settledTo: this.#settledTo, clearedTo: progress.clearedTo };
    const begun = clock.now();
    const isOurs = await log.advance({ ...cursors, from: this.#written.settledTo });
    this.#written = cursors;
    this.#schedule.wrote(begun, clock.now());
    if (!isOurs) onLost();
  }
}

interface Waiting {
  readonly cohort: Cohort;
  /** Undefined while it is in its grace. */
  readonly graceEnded: number | undefined;
  /** How far its rows in uncached.failing are settled, by id. */
  readonly retried: number;
}
