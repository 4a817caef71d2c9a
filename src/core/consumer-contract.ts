import type { LogRow } from './contracts.ts';
import type { Clearing } from './daemon-status.ts';

/** What the database does for one consumer: a cache that follows the log. postgres/ implements it. */

/**
 * `wiping`: its content is unknown, and all of it is being cleared. `expired`: it was away for so long that the
 * log is no longer kept for it, and it must be wiped.
 */
export type ConsumerState = 'wiping' | 'live' | 'expired';

/** As the fleet knows it. */
export interface ConsumerName {
  readonly id: string;
  /** The kind of cache, such as `files`. */
  readonly kind: string;
  readonly name: string;
  /** The machine. */
  readonly node: string;
  /** Where it is, such as the root. */
  readonly place: string;
}

/** Ids greater than `after`, up to `upTo`. */
export interface IdRange {
  readonly after: number;
  readonly upTo: number;
}

/** Rows of one handler, by id. */
export interface HandlerRows {
  readonly handler: string;
  readonly rows: readonly LogRow[];
  /** Age of the oldest of their entries; null where the queue table does not say. */
  readonly lagMs: number | null;
}

/** A part of the log and the state of the consumer, both in one snapshot: rows may be missing if it has expired. */
export interface LogPart {
  /** Undefined: somebody has deleted it. */
  readonly state: ConsumerState | undefined;
  readonly groups: readonly HandlerRows[];
  /** Everything up to this id was read. */
  readonly upTo: number;
  /** How many rows of handlers that no consumer clears for, by handler. */
  readonly others: Readonly<Record<string, number>>;
}

/** The transactions of other sessions that were open when it was made. */
export interface TransactionSnapshot {
  /** The server's clock in UTC, as text: the greater text is the later time. */
  readonly at: string;
  /** By virtual id: a transaction that only skipped an insert has no other. */
  readonly virtual: readonly string[];
  /** Prepared for two-phase commit, listed after the others: without a virtual id, and still undecided. */
  readonly prepared: readonly string[];
  /** Somebody may wait for the durable cursors. */
  readonly awaited?: boolean;
}

export interface RowFailure {
  readonly id: number;
  readonly error: string;
  /** The file system's code, if it refused. */
  readonly code?: string;
}

/**
 * `live`: it follows the log from where it was. Else it begins at the newest row, and must be wiped: `new`, the
 * database does not know it; `expired`; `wiping`, for another reason, or that was begun and has not ended.
 */
export interface Joined {
  readonly state: 'live' | 'new' | 'expired' | 'wiping';
  readonly settledTo: number;
  /** Rows up to this one were cleared once already. */
  readonly clearedTo: number;
}

/** The durable cursors of a consumer. */
export interface Cursors {
  /** Where `settledTo` was left: a standby that was promoted, or a crash of the server, may have undone that. */
  readonly from: number;
  readonly settledTo: number;
  readonly clearedTo: number;
}

/** The log, as one consumer sees it. */
export interface ConsumerLog {
  /**
   * Registers it, or takes it over if its daemon is gone or silent. Undefined: another daemon has it.
   * @param wiping its content is unknown
   * @param from the first row that its daemon has claimed and it has not cleared: if it is new, it begins there at the latest
   */
  join(how: { wiping: boolean; from?: number }): Promise<Joined | undefined>;
  /** The rows beyond an id, the oldest first; at most `limit`. Without `upTo`: up to the newest. */
  read(range: { after: number; upTo?: number; limit: number }): Promise<LogPart>;
  /** How many rows of a range it clears, counted up to `most`. */
  count(range: IdRange & { most: number }): Promise<number>;
  /** Notes the open transactions. @param range rows whose claims must not look later than it */
  snapshot(range: IdRange): Promise<TransactionSnapshot>;
  /**
   * The rows of a range that are settled with it: not those that fail. At most so many that they fit a
   * statement. `late`: some were claimed after `at`; a crash of the server has given their ids to other rows.
   */
  readAgain(range: IdRange & { at: string }): Promise<LogPart & { late: boolean }>;
  /** Advances the cursors. False: it has expired, or another daemon has it, or they are not where they were left. */
  advance(to: Cursors): Promise<boolean>;
  /** Its content is known. False as above. @param from as above */
  becomeLive(from: number): Promise<boolean>;
  readonly failing: FailingRowsOfConsumer;
}

/** Copies of the rows that could not be cleared there, so that its cursor goes on. */
export interface FailingRowsOfConsumer {
  /** Adds rows of the log, or adds an attempt to those that fail already. Returns the milliseconds to the earliest retry. */
  add(failures: readonly RowFailure[], how?: FailingHow): Promise<number>;
  /** Keeps rows that were settled as far as their key allows. */
  keepInvalid(failures: readonly RowFailure[], how?: FailingHow): Promise<void>;
  /** Adds rows of handlers that no consumer clears for: they are due when one of them is configured again. */
  keepOrphans(range: IdRange, handlers: readonly string[]): Promise<void>;
  /** Takes rows that are due. `nextMs`: until the next one is due, if any. */
  due(limit: number): Promise<{ rows: FailedRow[]; nextMs: number | null }>;
  /** A retry has succeeded: they settle together. */
  settleLater(ids: readonly number[], cohort: number): Promise<void>;
  /** The rows of these cohorts beyond an id; at most so many that they fit a statement. */
  inCohorts(cohorts: readonly number[], after: number): Promise<FailedRow[]>;
  /** Makes the same rows due for all that stands behind this cache. */
  passOn(ids: readonly number[]): Promise<void>;
  remove(ids: readonly number[], cohorts: readonly number[]): Promise<void>;
  /** Makes rows due that a run before has left: those of its cohorts, or `all`. */
  restart(which: 'cohorts' | 'all'): Promise<void>;
}

interface FailingHow {
  /** All of them fail already: one that somebody drops meanwhile does not come back. */
  readonly again: boolean;
}

export interface FailedRow extends LogRow {
  /** Its key was found to be invalid before, and that was reported. */
  readonly invalid: boolean;
}

/** `seenAt` is a text that is another one after each report. */
export interface LastSeen {
  readonly id: string;
  readonly seenAt: string;
}

/** What concerns every row of the log. */
export interface Log {
  /** Appends a row for a handler that has no queue, so that its clearing survives a crash like any other. */
  record(handler: string): Promise<LogRow>;
  /** When the daemon of each consumer that has not expired reported last. */
  lastSeen(): Promise<LastSeen[]>;
  /** Lets these expire, unless they have been seen since. */
  expire(away: readonly LastSeen[]): Promise<void>;
  /** Deletes rows that nobody needs. */
  trim(limits: { keepMs: number }): Promise<void>;
  /** How far these consumers are. */
  ends(consumers: readonly string[]): Promise<Ends>;
  /** At every consumer that has not expired; or, with the owner of some, at these alone. */
  counts(owner?: string): Promise<LogCount[]>;
  /** The last batches that everybody has cleared, the newest first. */
  recentClearings(limit: number): Promise<Clearing[]>;
  /** Every cache of the fleet. */
  consumers(): Promise<SeenConsumer[]>;
  /** The log is no longer kept for it. Returns whether there was one. */
  forget(consumer: string): Promise<boolean>;
  /** The failing and the invalid rows, the oldest first; all of them without a limit. */
  failing(which: FailingRows, limit?: number): Promise<FailingRow[]>;
  /** Makes failing rows due: at once if a daemon listens, else at its next sweep. Returns how many. */
  retryNow(which: FailingRows): Promise<number>;
  /** Discards rows: their pages may stay stale. Returns how many. */
  drop(which: FailingRows): Promise<number>;
}

export interface Ends {
  /** The newest row of the log. */
  readonly newest: number;
  /** Each of them has settled the rows up to this one. */
  readonly settledTo: number;
  /** Rows that fail there. */
  readonly failing: number;
}

/** Failing and invalid rows of a handler, with these ids, or all. */
export interface FailingRows {
  readonly handler?: string;
  readonly ids?: readonly number[];
  readonly consumer?: string;
  /** The owner of their consumers. */
  readonly owner?: string;
  /** Only the invalid ones, or only the others. */
  readonly invalid?: boolean;
}

export interface FailingRow extends LogRow {
  readonly consumer: string;
  readonly error: string;
  readonly attempts: number;
  /** Since the claim. */
  readonly ageMs: number;
  /** Until the retry; negative or null while it is under way, null for an invalid one. */
  readonly retryMs: number | null;
  /** Some template makes no path of its key: cleared for the others, and not retried automatically. */
  readonly invalid: boolean;
}

/** The rows of one handler: those that some consumer still has to clear or settle. */
export interface LogCount {
  readonly handler: string;
  /** Not cleared yet. */
  readonly claimed: number;
  /** Cleared once, waiting for the second clearing. */
  readonly settling: number;
  readonly failing: number;
  /** Settled, and kept since a template makes no path of their key. */
  readonly invalid: number;
  /** Since the newest of these was claimed. */
  readonly invalidMs: number | null;
  /** Age of the oldest entry among the claimed; their pages are stale. */
  readonly claimedMs: number | null;
  /** The same for the failing ones. */
  readonly failingMs: number | null;
  /** How long the longest has been settling: a transaction may have been open as long. */
  readonly settlingMs: number | null;
  /** The error of one failing row. */
  readonly error: string | null;
}

/** A consumer as the whole fleet sees it. */
export interface SeenConsumer extends Omit<ConsumerName, 'node' | 'place'> {
  readonly node: string | null;
  readonly place: string | null;
  readonly state: ConsumerState;
  /** Rows that it has not cleared, and not settled; counted up to a limit. */
  readonly behind: number;
  readonly unsettled: number;
  /** Age of the oldest entry that it has not cleared. */
  readonly lagMs: number | null;
  readonly failing: number;
  readonly seenMs: number;
  /** The daemon that has it, or had it when it ended without a word. */
  readonly owner: string | null;
  /** That daemon has a session. */
  readonly connected: boolean;
  readonly problem: string | null;
  readonly version: string | null;
}
