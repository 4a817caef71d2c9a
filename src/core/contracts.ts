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

/** Transactions of other sessions that were open at one moment. */
export interface OpenTransactions {
  /** Virtual ids: a transaction that only skipped an insert has no other. */
  readonly virtual: readonly string[];
  /** Prepared for two-phase commit: these have lost their virtual id and are still undecided. */
  readonly prepared: readonly string[];
}

export interface Journal {
  /** Writes a row for a handler that has no queue, so that its clearing survives a crash like any other. */
  record(handler: string): Promise<JournalRow>;
  /** Marks rows as cleared once and, in the same statement, looks which transactions are open. */
  look(cleared: readonly number[]): Promise<OpenTransactions>;
  /** The rows of these ids that still exist. */
  read(ids: readonly number[]): Promise<JournalRow[]>;
  /** Deletes settled rows. */
  settle(ids: readonly number[]): Promise<void>;
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
  /** The highest id there is; 0 for an empty journal. */
  newest(): Promise<number>;
  /** Rows with `after < id <= upTo`, by id; with `failing`, also those that wait for another try. */
  unsettled(range: { after: number; upTo: number; limit: number; failing: boolean }): Promise<JournalRow[]>;
  counts(): Promise<JournalCount[]>;
}

export interface RowFailure {
  readonly id: number;
  readonly error: string;
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

export interface Cache {
  /**
   * Deletes what the patterns (core/pattern.ts) match below root. What is gone already is success; whatever cannot be
   * deleted is reported and stops nothing else.
   */
  clear(patterns: readonly string[]): Promise<Cleared>;
  close(): Promise<void>;
}

export interface Cleared {
  readonly files: number;
  readonly failures: readonly ClearFailure[];
}

export interface ClearFailure {
  /** The pattern that asked for it, as given. */
  readonly pattern: string;
  /** Below root. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

export interface Clock {
  /** Milliseconds on a clock that is never set. */
  now(): number;
  /** Rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}
