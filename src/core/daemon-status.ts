import type { FailingRow, SeenConsumer } from './consumer-contract.ts';
import type { Key } from './contracts.ts';
import type { Holding } from './holding.ts';

/** How the daemon is doing: for the status page, for programs and for `uncached status`. */
export interface Status extends Assessment {
  readonly version: string;
  readonly daemon: DaemonIdentity;
  /** Milliseconds since 1970, like every `at`. */
  readonly startedAt: number;
  readonly at: number;
  /** Whether notifications are known to arrive. */
  readonly listening: boolean;
  /** Since the last heartbeat; null before the first one. */
  readonly heartbeatAgeMs: number | null;
  readonly reconnects: number;
  /** Age of the counts from the database; null before the first count. */
  readonly countsAgeMs: number | null;
  readonly handlers: readonly (HandlerStatus & HandlerTotals)[];
  /** Every cache of the fleet that follows the log. */
  readonly consumers: readonly SeenConsumer[];
  /** What holds announcements; null where the barrier is not installed. */
  readonly holding: readonly Holding[] | null;
  /** The newest first. */
  readonly clearings: readonly Clearing[];
  /** The oldest ones, not all if there are many; then the invalid ones. */
  readonly failingRows: readonly FailingRow[];
  readonly thresholds: Thresholds;
}

/** Which daemon it is. It contains no secrets: no password, and no role. */
export interface DaemonIdentity {
  readonly host: string;
  readonly pid: number;
  readonly configurationFile: string;
  readonly root: string;
  /** Its name and server. */
  readonly database: string;
}

/** The lags from which on there is a warning, and a critical problem. */
export interface Thresholds {
  readonly warningMs: number;
  readonly criticalMs: number;
}

/**
 * The only place where they stand: `uncached status`, the page, /readyz and /metrics go by these, and the
 * alert rules by /metrics.
 */
export const usualThresholds: Thresholds = { warningMs: 3_000, criticalMs: 60_000 };

export type Level = 'ok' | 'warning' | 'critical';

interface Assessment {
  readonly health: Level;
  /** Why it is not `ok`, the worst first. */
  readonly problems: readonly Problem[];
}

export interface Problem {
  readonly level: Exclude<Level, 'ok'>;
  readonly kind: ProblemKind;
  /** The handler, if it concerns one. */
  readonly handler?: string;
  /** The consumer, if it concerns one. */
  readonly consumer?: string;
  /** A sentence: what is wrong, and what to do. */
  readonly text: string;
}

/**
 * What a problem is about, in a word that stays the same: alert rules use it (doc/metrics.md has the meaning
 * of each).
 */
export type ProblemKind =
  | 'daemon'
  | 'database'
  | 'listening'
  | 'root'
  | 'handler'
  | 'channel'
  | 'lag'
  | 'backlog'
  | 'failing'
  | 'invalid'
  | 'settling'
  | 'orphaned'
  | 'log'
  | 'consumer'
  | 'barrier'
  | 'configuration'
  | 'http';

export interface HandlerStatus {
  readonly handler: string;
  /**
   * `disabled`: the configuration lacks something for it. `unknown`: the log has rows of it, and the
   * configuration has no such handler.
   */
  readonly state: 'configured' | 'disabled' | 'unknown';
  /** Why it cannot work, or cannot be examined, and what to do; null if no problem is known. */
  readonly problem: string | null;
  /** Entries in its queue table; null if they cannot be counted. */
  readonly backlog: number | null;
  /**
   * Age of the oldest entry that is not cleared: queued, claimed or failing. 0 when there is none; null if it
   * is not known, as while nothing can be counted.
   */
  readonly lagMs: number | null;
  /** A lower bound for the wait of the oldest. The same as `lagMs` where that is known. */
  readonly lagAtLeastMs: number;
  readonly claimed: number;
  readonly settling: number;
  readonly longestSettlingMs: number | null;
  readonly failing: number;
  /** Rows that are kept because their key is invalid, and the age of the newest. */
  readonly invalid: number;
  readonly newestInvalidAgeMs: number | null;
  /** The error of one failing row. */
  readonly error: string | null;
}

/** Since the start of the daemon. */
export interface HandlerTotals {
  readonly clearedEntries: number;
  readonly clearedFiles: number;
  readonly lastClearedAt: number | null;
}

/** One batch, if any of it was cleared. */
export interface Clearing {
  /** Counts up. */
  readonly id: number;
  readonly at: number;
  readonly handler: string;
  readonly entries: number;
  readonly keys: number;
  /** The first few of them. */
  readonly examples: readonly Key[];
  /** Keys of the batch that could not be cleared. */
  readonly failedKeys: number;
  /** Null where only the log knows of it: from before the daemon's start. */
  readonly files: number | null;
  readonly lagMs: number | null;
}

/** A sample of the last hour, with what was cleared since the one before. */
export interface Sample extends SampleNumbers {
  readonly at: number;
  /** Each handler that had a backlog, or of which something was cleared. */
  readonly handlers: Readonly<Record<string, SampleNumbers>>;
}

export interface SampleNumbers {
  /** Null where it could not be counted. */
  readonly backlog: number | null;
  readonly files: number;
  /** From the making of an entry until its files were deleted; absent when nothing was cleared. */
  readonly fastestMs?: number;
  readonly slowestMs?: number;
}

/** What is served over HTTP. None of it waits long for the database. */
export interface StatusSource {
  metrics(): Promise<{ contentType: string; text: string }>;
  status(): Promise<Status>;
  /** Those after a time, the oldest first. */
  history(after: number): readonly Sample[];
}
