/** Something that holds announcements: a change that has not been cleared, or may not have been (sql/barrier.sql). */
export interface Holding {
  readonly kind: HoldingKind;
  readonly handler: string | null;
  readonly consumer: string | null;
  /** The least transaction that is held; 0 if it may be any. */
  readonly xid: string;
  /** Null where nothing says since when. */
  readonly heldMs: number | null;
  readonly detail: string;
}

/**
 * Where it waits: in a queue table, in the log, among the failing rows; or it is a cache that is being wiped or has
 * expired, an open transaction, or something that the barrier does not know.
 */
export type HoldingKind = (typeof holdingKinds)[number];

export const holdingKinds = ['queue', 'log', 'failing', 'consumer', 'transaction', 'unknown'] as const;

export const levels = ['settled', 'cleared'] as const;

/** What somebody waits for. */
export interface Wanted {
  readonly level: (typeof levels)[number];
  /** Undefined: all of them. */
  readonly handlers?: readonly string[];
  /** A row that has been failing for longer is not waited for. */
  readonly failingForMs?: number;
}

/** The channel that is notified when something may have been cleared or settled (sql/barrier.sql). */
export const clearedChannel = 'uncached_cleared';
