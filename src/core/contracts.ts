/** What the daemon needs of the outside. postgres/ and filesystem/ keep these contracts; tests can break them. */

/** Column values that templates name, each as PostgreSQL writes it in text. */
export type Key = Readonly<Record<string, string | null>>;

export interface JournalRow {
  readonly id: number;
  readonly handler: string;
  readonly key: Key;
}

export interface Claim {
  /** Rows that left the queue table. */
  readonly entries: number;
  /** Their distinct keys, now in the journal. */
  readonly rows: readonly JournalRow[];
  /** The highest id taken, where the table has ids: the next claim begins beyond it. */
  readonly last: string | null;
  /** Age of the oldest entry when it was claimed, by the server's clock; null where the table keeps no time. */
  readonly lagMs: number | null;
  /** The claim was short, yet rows that others hold locked are still there. */
  readonly remains: boolean;
}

export interface Queue {
  /**
   * Moves up to `limit` entries, oldest first, into the journal, in one statement and its own transaction.
   * @param after begin beyond this id; null begins at the start
   */
  claim(limit: number, after: string | null): Promise<Claim>;
  backlog(): Promise<Backlog>;
}

export interface Backlog {
  readonly entries: number;
  /** Age of the oldest entry; null for an empty table or one that keeps no time. */
  readonly lagMs: number | null;
}

/** What a look saw: the rows it found and the transactions of other sessions that were open after it was sent. */
export interface Look {
  /** Those of the given rows that exist. A claim that a crash of the server undid leaves ids that are given out again. */
  readonly found: readonly number[];
  /** The server's clock, as text. */
  readonly at: string;
  /** By virtual id: a transaction that only skipped an insert has no other. */
  readonly virtual: readonly string[];
  /** Prepared for two-phase commit, listed after the others: these have lost their virtual id and are still undecided. */
  readonly prepared: readonly string[];
}

/** Journal rows by id, of those claimed before a look: an id given out again after a crash is another row. */
export interface Looked {
  readonly ids: readonly number[];
  readonly at: string;
}

/**
 * Which journal rows to take: `all`; `untried`, without those that wait for another try; `forgotten`, those neither cleared nor
 * waiting for so long that whoever claimed them must have lost sight of them.
 */
export type Which = 'all' | 'untried' | 'forgotten';

/** A daemon's own rows: the ones it claimed, recorded or took over. */
export interface Journal {
  /** Writes a row for a handler that has no queue, so that its clearing survives a crash like any other. */
  record(handler: string): Promise<JournalRow>;
  /** Looks, in one statement, which of the rows exist and which transactions are open, and marks rows as cleared once. */
  look(cleared: readonly number[], mark: readonly number[]): Promise<Look>;
  /** The rows that still exist. */
  read(rows: Looked): Promise<JournalRow[]>;
  /** Deletes settled rows. */
  settle(rows: Looked): Promise<void>;
  /** Keeps rows for another try, later with each attempt. Returns the milliseconds to the earliest of these tries. */
  fail(failures: readonly RowFailure[]): Promise<number>;
  /**
   * Failing rows of these handlers whose time has come, taken out of the waiting, and the milliseconds to the next one, null
   * when there is none.
   */
  retake(which: {
    limit: number;
    handlers: readonly string[];
  }): Promise<{ rows: JournalRow[]; nextMs: number | null }>;
  /** Makes the rows of daemons that are dead, or silent for the lease, the caller's. `others`: rows that are still others'. */
  takeOver(): Promise<{ taken: number; others: number }>;
  /** The highest id there is; 0 for an empty journal. */
  newest(): Promise<number>;
  /** Rows with `after < id <= upTo`, by id. */
  unsettled(range: { after: number; upTo: number; limit: number; which: Which }): Promise<JournalRow[]>;
  counts(): Promise<JournalCount[]>;
  /** Whoever owns them: the failing rows, the oldest first; all of them without a limit. */
  failing(which: FailingRows, limit?: number): Promise<FailingRow[]>;
  /** Has failing rows tried again, at once by a daemon that hears, else with its next sweep. Returns how many. */
  retryNow(which: FailingRows): Promise<number>;
  /** Gives failing rows up: their pages may stay stale. Returns how many. */
  drop(which: FailingRows): Promise<number>;
}

export interface RowFailure {
  readonly id: number;
  readonly error: string;
  /** The file system's, where that refused. */
  readonly code?: string;
}

/** Failing rows of a handler, of these ids, or all. */
export interface FailingRows {
  readonly handler?: string;
  readonly ids?: readonly number[];
}

export interface FailingRow extends JournalRow {
  readonly error: string;
  readonly attempts: number;
  /** Since the claim. */
  readonly ageMs: number;
  /** Until the next try; negative when it is under way. */
  readonly retryMs: number | null;
}

export interface JournalCount {
  readonly handler: string;
  /** Not cleared yet. */
  readonly claimed: number;
  /** Cleared once, waiting for the second clearing. */
  readonly settling: number;
  readonly failing: number;
  /** Age of the oldest entry among the claimed; their pages are stale. */
  readonly claimedMs: number | null;
  /** How long the longest has been settling: a transaction may have been open as long. */
  readonly settlingMs: number | null;
  /** What one of the failing rows says. */
  readonly error: string | null;
}

export interface Listened {
  /** As PostgreSQL folds `listen_for.name`. */
  readonly channel: string;
  readonly handler: string;
}

/** The channel on which the trigger on `listen_for` notifies (sql/2-listen_for.sql). */
export const channelsChanged = 'uncached_listen_for';

/** The channel on which whoever made failing rows due notifies. */
export const retryAsked = 'uncached_retry';

export interface Cache {
  /**
   * Deletes what the patterns (core/pattern.ts) match below root. What is gone already is success; whatever cannot be
   * deleted is reported and stops nothing else. Patterns are taken from the iterable one part after the other.
   * @param unhurried what others ask for goes first, though not for ever
   */
  clear(patterns: Iterable<string>, how?: { unhurried: boolean }): Promise<Cleared>;
  close(): Promise<void>;
}

export interface Cleared {
  readonly files: number;
  readonly failures: readonly ClearFailure[];
  /** What was deleted, below root, a directory as one; only where it is asked for. */
  readonly paths?: readonly string[];
}

export interface ClearFailure {
  /** The pattern that asked for it, as given. */
  readonly pattern: string;
  /** Below root. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

/** A machine that stops without warning can bring deleted pages back. This remembers, across runs, whether it may have. */
export interface Revival {
  mayHaveHappened(): boolean;
  /** From now on a stop without warning counts. */
  markRunning(): void;
  /** Puts every deletion on the disk, then says that the run ended cleanly. */
  markClean(): void;
}

export interface Clock {
  /** Milliseconds on a clock that is never set. */
  now(): number;
  /** Rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}
