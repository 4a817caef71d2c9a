import type { FailingRow, Key } from './contracts.ts';

/** How the daemon is doing, for whoever asks: the status page, a program, `uncached status`. */
export interface Status extends Assessment {
  readonly version: string;
  /** Milliseconds since 1970, like every `at`. */
  readonly startedAt: number;
  readonly at: number;
  /** Absent while notifications are not known to be heard: why. */
  readonly deaf?: string;
  /** Since the daemon last heard itself; null before the first time. */
  readonly heartbeatAgeMs: number | null;
  readonly reconnects: number;
  /** Age of what was counted in the database; null before the first count. */
  readonly countedAgeMs: number | null;
  readonly handlers: readonly (HandlerStatus & HandlerTotals)[];
  /** The newest first. */
  readonly clearings: readonly Clearing[];
  /** The oldest, and not all if there are many. */
  readonly failing: readonly FailingRow[];
}

export type Level = 'ok' | 'warning' | 'critical';

export interface Assessment {
  readonly level: Level;
  /** Why it is not `ok`, a sentence each. */
  readonly reasons: readonly string[];
}

export interface HandlerStatus {
  readonly handler: string;
  readonly configured: boolean;
  readonly backlog: number;
  /** Age of the oldest entry that is not cleared, in the queue or claimed; 0 when there is none. */
  readonly lagMs: number;
  readonly claimed: number;
  readonly settling: number;
  readonly settlingMs: number | null;
  readonly failing: number;
  /** What one of the failing rows says. */
  readonly error: string | null;
}

/** Since the start of the daemon. */
export interface HandlerTotals {
  readonly entries: number;
  readonly files: number;
  readonly clearedAt: number | null;
}

/** One batch. */
export interface Clearing {
  /** Counts up from the start of the daemon. */
  readonly id: number;
  readonly at: number;
  readonly handler: string;
  readonly entries: number;
  readonly keys: number;
  /** The first few of them. */
  readonly examples: readonly Key[];
  readonly files: number;
  readonly lagMs: number | null;
}

/** A moment of the last hour, and what was cleared since the one before. */
export interface Moment {
  readonly at: number;
  /** Null where it could not be counted. */
  readonly backlog: number | null;
  readonly files: number;
  /** From the making of an entry until its files were gone; absent when nothing was cleared. */
  readonly fastestMs?: number;
  readonly slowestMs?: number;
}

/** What is served over HTTP. None of it waits for the database for long. */
export interface Watched {
  metrics(): Promise<{ contentType: string; text: string }>;
  status(): Promise<Status>;
  /** Those after a time, the oldest first. */
  moments(after: number): readonly Moment[];
  /** Absent if notifications are heard: why not. */
  deaf(): string | undefined;
}
