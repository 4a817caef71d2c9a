/** What the daemon needs from outside. postgres/ and filesystem/ implement it; tests can break it. */

/** Column values that templates name, each as PostgreSQL writes it in text. */
export type Key = Readonly<Record<string, string | null>>;

export interface JournalRow {
  readonly id: number;
  readonly handler: string;
  readonly key: Key;
  /** Its key was found to be invalid before, and that was reported. */
  readonly invalid?: boolean;
}

export interface Claim {
  /** Rows that left the queue table. */
  readonly entries: number;
  /** Their distinct keys, now in the journal. */
  readonly rows: readonly JournalRow[];
  /** Where the next claim begins; null begins at the start. */
  readonly last: string | null;
  /** There were more entries, but the answer would have been too large. */
  readonly cut?: boolean;
  /** Age of the oldest entry at the claim, by the server; null where the table keeps no time. */
  readonly lagMs: number | null;
  /** The claim was short, yet rows that others hold locked are still there. */
  readonly remains: boolean;
}

export interface Queue {
  /**
   * Moves up to `limit` entries into the journal in one transaction: by id, or by place without an index.
   * @param after begin beyond the last one that an earlier claim took; null begins at the start
   */
  claim(limit: number, after: string | null): Promise<Claim>;
  backlog(): Promise<Backlog>;
}

/** At most this many rows of a queue table, and of the journal, are counted: there may be more. */
export const maxCounted = 1_000_000;

export interface Backlog {
  readonly entries: number;
  /** Age of the oldest entry whose age is known; null if there is none. */
  readonly lagMs: number | null;
  /** Entries of unknown age: the table keeps no time, or the time is not a possible one. */
  readonly ofUnknownAge: number;
  /** What keeps a daemon from claiming them, as far as a role that may only read can see. */
  readonly problem?: string;
}

/** The rows that a snapshot found, and the transactions of other sessions open after it was sent. */
export interface TransactionSnapshot {
  /** Those of the given rows that exist. A crash may undo a claim; its ids are then given out again. */
  readonly found: readonly number[];
  /** The server's clock in UTC, as text: the greater text is the later time. */
  readonly at: string;
  /** By virtual id: a transaction that only skipped an insert has no other. */
  readonly virtual: readonly string[];
  /** Prepared for two-phase commit, listed after the others: without a virtual id, and still undecided. */
  readonly prepared: readonly string[];
}

/** Journal rows by id, if claimed before a snapshot: an id given out again after a crash is another row. */
export interface RowsAt {
  readonly ids: readonly number[];
  readonly at: string;
}

/**
 * Which journal rows to take: `all`; `not-waiting`, without those that wait for a retry or are invalid;
 * `abandoned`, neither cleared nor waiting for so long that their claim must have been lost.
 */
export type RecoveryScope = 'all' | 'not-waiting' | 'abandoned';

/** A daemon's own rows: the ones it claimed, recorded or took over. */
export interface Journal {
  /** Writes a row for a handler that has no queue, so that its clearing survives a crash like any other. */
  record(handler: string): Promise<JournalRow>;
  /** Finds which of the rows exist and which transactions are open; marks rows as cleared once. */
  snapshot(cleared: readonly number[], mark: readonly number[]): Promise<TransactionSnapshot>;
  /** The rows that still exist. */
  read(rows: RowsAt): Promise<JournalRow[]>;
  /** Deletes settled rows. */
  settle(rows: RowsAt): Promise<void>;
  /** Keeps settled rows whose key is invalid: cleared as far as possible, and not retried automatically. */
  keepInvalid(failures: readonly RowFailure[], at: string): Promise<void>;
  /** Keeps rows for a retry, later with each attempt. Returns the milliseconds to the earliest retry. */
  fail(failures: readonly RowFailure[]): Promise<number>;
  /** Takes failing rows of these handlers that are due. `nextMs`: until the next one is due, if any. */
  retake(which: {
    limit: number;
    handlers: readonly string[];
  }): Promise<{ rows: JournalRow[]; nextMs: number | null }>;
  /** Takes over rows of dead or silent daemons, of these handlers, with `after < id <= upTo`, in parts. */
  takeOver(range: { handlers: readonly string[]; after: number; upTo: number }): Promise<TakenOver>;
  /** The highest id there is; 0 for an empty journal. */
  newest(): Promise<number>;
  /** Rows with `after < id <= upTo`, by id: at most `limit`, and none only if there are none. */
  unsettled(range: {
    after: number;
    upTo: number;
    limit: number;
    which: RecoveryScope;
  }): Promise<JournalRow[]>;
  counts(): Promise<JournalCount[]>;
  /** The failing and the invalid rows of every owner, the oldest first; all of them without a limit. */
  failing(which: FailingRows, limit?: number): Promise<FailingRow[]>;
  /** Makes failing rows due: at once if a daemon listens, else at its next sweep. Returns how many. */
  retryNow(which: FailingRows): Promise<number>;
  /** Discards rows: their pages may stay stale. Returns how many. */
  drop(which: FailingRows): Promise<number>;
}

/** What was found in a part of the journal. */
export interface TakenOver {
  readonly taken: number;
  /** Rows of these handlers that other daemons still own. */
  readonly others: number;
  /** Rows of dead daemons that remain, by handler: none of these handlers. */
  readonly orphans: Readonly<Record<string, number>>;
  /** The end of the part that was read. */
  readonly upTo: number;
}

export interface RowFailure {
  readonly id: number;
  readonly error: string;
  /** The file system's code, if it refused. */
  readonly code?: string;
}

/** Failing and invalid rows of a handler, with these ids, or all. */
export interface FailingRows {
  readonly handler?: string;
  readonly ids?: readonly number[];
  /** Only the invalid ones, or only the others. */
  readonly invalid?: boolean;
  /** Also rows that did not fail: for a handler that no daemon has any more, nothing is tried. */
  readonly includeNotFailed?: boolean;
}

export interface FailingRow extends JournalRow {
  readonly error: string;
  readonly attempts: number;
  /** Since the claim. */
  readonly ageMs: number;
  /** Until the retry; negative or null while it is under way, null for an invalid one. */
  readonly retryMs: number | null;
  /** Some template makes no path of its key: cleared for the others, and not retried automatically. */
  readonly invalid: boolean;
}

export interface JournalCount {
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

export interface ChannelBinding {
  /** As PostgreSQL reads `listen_for.name` without quotes. */
  readonly channel: string;
  readonly handler: string;
  /** As PostgreSQL reads it with quotes, where that is another channel. */
  readonly also?: string;
  /** Why it cannot be a channel and wakes no handler. */
  readonly problem?: string;
}

export function usableBindings(listened: readonly ChannelBinding[]): ChannelBinding[] {
  return listened.filter(({ problem }) => problem === undefined);
}

/** The name to LISTEN to for it. */
export function channelsOf({ channel, also }: ChannelBinding): string[] {
  return also === undefined ? [channel] : [channel, also];
}

/** The channel on which the trigger on `listen_for` notifies (sql/2-listen_for.sql). */
export const channelsChanged = 'uncached_listen_for';

/** The channel that is notified when failing rows were made due. */
export const retryAsked = 'uncached_retry';

export interface Cache {
  /**
   * Deletes what the patterns (core/pattern.ts) match below root. A file that is already gone is a success;
   * one that cannot be deleted is reported and stops nothing else. The iterable is read in parts; a list in
   * it stays together, as the parts of a page must. Rejects with EROOT (core/root.ts), and nothing counts as
   * done, if root is not what it must be; the caller then repeats it, so it must allow a second iteration.
   */
  clear(patterns: Iterable<string | readonly string[]>, how?: ClearRequirements): Promise<ClearResult>;
  close(): Promise<void>;
}

export interface ClearRequirements {
  /** Other requests go first, though not for ever. */
  readonly background?: boolean;
  /** It is sure to be cleared again when settled: the temps of large directories may wait until then. */
  readonly secondFollows?: boolean;
  /** Patterns whose files are also counted separately. */
  readonly countApart?: readonly string[];
  /** The identities that root and each mount below it must have. */
  readonly identities?: Readonly<Record<string, string>>;
}

export interface ClearResult {
  readonly files: number;
  /** How many of them were deleted for a pattern that is counted separately. */
  readonly filesApart?: Readonly<Record<string, number>>;
  readonly failures: readonly ClearFailure[];
  /** What was deleted, below root, a directory as one; only on request. */
  readonly paths?: readonly string[];
}

export interface ClearFailure {
  /** The pattern that matched it, as given. */
  readonly pattern: string;
  /** Below root. */
  readonly path: string;
  readonly code: string;
  readonly message: string;
  /** What failed: opening or reading it, so that nothing in it was deleted; absent: deleting. */
  readonly refused?: 'open' | 'list';
}

export interface Clock {
  /** Milliseconds on a clock that is never set. */
  now(): number;
  /** Rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}
