import type { Key, LogRow } from '../core/contracts.ts';
import { Wakeup } from '../core/wakeup.ts';
import type { BatchOutcome } from './batch.ts';
import type { ConsumerParts } from './consumer-parts.ts';
import { clearRows } from './first-round.ts';
import { Hints } from './hints.ts';
import type { RoundParts } from './keep-failing.ts';
import { LogReader } from './log-reader.ts';
import { Progress } from './progress.ts';
import { Retries } from './retries.ts';
import { clearCohort, Outdated } from './second-round.ts';
import { Settling } from './settling.ts';
import { Upstream } from './upstream.ts';

/** What a consumer is doing since it joined. */
export interface Following {
  readonly progress: Progress;
  readonly settling: Settling;
}

/**
 * One cache that follows the log. What a row goes through:
 *
 *     log ── first clearing ─┬─ SETTLING ── second clearing ── the cursor advances
 *                            └─ failed ── kept in uncached.failing until its retry is due
 *
 * Rows come with the answer of our own claim, or by reading the log. The consumer is asleep until `follow`.
 * Each stage that waits has a `Wakeup`, which signals that there is work; the caller that runs the stages
 * (daemon/, or `drain`) then calls their step.
 */
export class Consumer {
  readonly name: string;
  readonly reader: LogReader;
  /** Woken when rows settle. */
  readonly settling = new Wakeup();
  readonly retries: Retries;
  /** The caches that this one stands behind. */
  readonly upstream: Upstream;
  readonly #parts: RoundParts;
  readonly #hints: Hints | undefined;
  #following: Following | undefined;
  #missedFrom: number | undefined;
  /** Those that stand behind this one. */
  readonly #behind: Consumer[] = [];

  constructor(parts: ConsumerParts) {
    this.#hints = parts.cache.takesHints ? new Hints(parts.cache, parts.clock) : undefined;
    this.#parts = {
      ...parts,
      ...(this.#hints && { hints: this.#hints }),
      onFailing: () => this.retries.wakeup.wake(),
      onRetried: (ids) => this.#retryBehind(ids),
    };
    this.name = parts.name;
    this.upstream = new Upstream(parts.after, parts.cache.lagMs ?? 0, parts.clock);
    for (const cache of parts.after) cache.letFollow(this);
    this.retries = new Retries(this.#parts, () => this.#following?.settling);
    this.reader = new LogReader(this.#parts, {
      following: () => this.#following,
      allowedTo: () => this.upstream.clearedTo,
      onPart: () => this.#passOn(),
    });
  }

  private letFollow(consumer: Consumer): void {
    this.#behind.push(consumer);
  }

  /** Every row up to this was cleared at least once. */
  get clearedTo(): number {
    return this.#following?.progress.clearedTo ?? 0;
  }

  get settledTo(): number {
    return this.#following?.settling.settledTo ?? 0;
  }

  /** What stands behind this cache may settle up to here: nothing, while the content of this one is unknown. */
  get freshTo(): number {
    const settling = this.#following?.settling;
    return settling && !settling.isWiping ? settling.settledTo : Number.NEGATIVE_INFINITY;
  }

  get isFollowing(): boolean {
    return this.#following !== undefined;
  }

  /** The first row of our own claims since it followed last. */
  get missedFrom(): number | undefined {
    return this.#missedFrom;
  }

  /** What is left to settle, as far as it is known. */
  get pending(): { settles: boolean; rows: number; held: number } {
    const settling = this.#following?.settling;
    const rows = this.clearedTo - this.settledTo;
    return { settles: settling?.pending ?? false, rows, held: settling?.held ?? 0 };
  }

  /** Writes the durable cursors. */
  async flush(): Promise<void> {
    await this.#following?.settling.flush();
  }

  /**
   * Begins to follow the log beyond the durable cursor, or begins again there: a server that crashed, or a standby
   * in its place, may have undone what was claimed since, and given its ids to other rows.
   */
  follow({ settledTo, clearedTo, wiping }: { settledTo: number; clearedTo: number; wiping: boolean }): void {
    const { log, clock, timings, settleMs, onLost, cache } = this.#parts;
    const { upstream } = this;
    const progress = new Progress(settledTo);
    const settling = new Settling({
      log,
      clock,
      wakeup: this.settling,
      timings: timings.settling,
      // Rows that failed are passed on by the cache before it, whose last response may be on its way: it has settled
      // their ids long ago, which says nothing about them.
      settleMs: ({ failing }) => (failing.length > 0 ? Math.max(settleMs, cache.lagMs ?? 0) : settleMs),
      progress,
      settledTo,
      wiping,
      clearAgain: (cohort, position) => clearCohort(cohort, position, this.#parts),
      msTo: (id) => upstream.msTo(id),
      onLost,
    });
    const toldTo = Math.max(clearedTo, this.clearedTo);
    this.#following = { progress, settling };
    this.#missedFrom = undefined;
    for (const consumer of this.#behind) consumer.upstream.forget();
    this.reader.begin(toldTo);
    this.settling.wake();
    this.retries.restart();
  }

  /** The server may have crashed, or another one be in its place: nothing is written until it joins again. */
  doubt(): void {
    this.#following?.settling.doubt();
  }

  /** The daemon stops. */
  end(error: Error): void {
    this.#parts.cache.end?.(error);
  }

  /** Stops following: it has expired, or its cache is not there. */
  leave(): void {
    this.#following = undefined;
  }

  /** Whether a hint would be taken now. */
  get takesHints(): boolean {
    return this.#following !== undefined && (this.#hints?.areTaken ?? false);
  }

  /** A notification names this key. Undefined if it is not taken as a hint. */
  hint(handler: string, key: Key): Promise<unknown> | undefined {
    const step = this.#parts.steps.get(handler);
    return step && this.takesHints ? this.#hints?.take(handler, step, key) : undefined;
  }

  /** Rows of our own claim: from now on they are under way. False: it does not need them. */
  expect(rows: readonly LogRow[]): boolean {
    const following = this.#following;
    if (!following) {
      // The answers of several claims come in any order.
      const [first] = rows;
      if (first) this.#missedFrom = Math.min(first.id, this.#missedFrom ?? first.id);
      return false;
    }
    if (this.#parts.cache.readsLog) return false;
    const added = following.progress.add(rows);
    // The log tells whether something before them was never heard of, and what to make of rows known already.
    if (!added || following.progress.gap.upTo !== undefined) this.reader.wakeup.wake();
    return added;
  }

  /** They will not be cleared now. */
  giveUp(rows: readonly LogRow[]): void {
    this.#following?.progress.giveUp(rows);
    this.reader.wakeup.wake();
  }

  /** The first clearing of rows that it expects. */
  async clearFirst(
    handler: string,
    batches: readonly (readonly LogRow[])[],
    { more = false } = {},
  ): Promise<BatchOutcome | undefined> {
    const following = this.#following;
    const step = this.#parts.steps.get(handler);
    if (!following) return undefined;
    const outcome = step && (await clearRows(handler, step, batches.flat(), this.#parts));
    for (const rows of batches) following.progress.finish(rows);
    following.settling.cleared({ more });
    this.#passOn();
    return outcome;
  }

  /** Nothing more follows at once: what was cleared may settle. */
  noMore(): void {
    this.#following?.settling.noMore();
  }

  /** Does what settling can do now. Returns the milliseconds until there is more to do, null if nothing is pending. */
  async settle(): Promise<number | null> {
    try {
      const ms = (await this.#following?.settling.step()) ?? null;
      for (const consumer of this.#behind) consumer.settling.wake();
      return ms;
    } catch (error) {
      if (!(error instanceof Outdated)) throw error;
      this.#parts.onLost();
      return null;
    }
  }

  /** Rows that failed here were cleared behind this cache before, and what was stale here may be there again. */
  async #retryBehind(ids: readonly number[]): Promise<void> {
    if (this.#behind.length === 0) return;
    await this.#parts.log.failing.passOn(ids);
    this.wakeRetriesBehind();
  }

  /** A cache in the middle may not have these rows: it would wake nobody. */
  private wakeRetriesBehind(): void {
    for (const consumer of this.#behind) {
      consumer.retries.wakeup.wake();
      consumer.wakeRetriesBehind();
    }
  }

  /** Wakes those behind this cache that still have to read what was cleared here. */
  #passOn(): void {
    for (const consumer of this.#behind) if (consumer.lacks(this.clearedTo)) consumer.reader.wakeup.wake();
  }

  private lacks(upTo: number): boolean {
    const gap = this.#following?.progress.gap;
    return gap !== undefined && gap.after < upTo;
  }
}
