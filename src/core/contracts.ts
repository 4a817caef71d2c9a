/** What the daemon needs from outside. postgres/ and filesystem/ implement it; tests can break it. */

/** Column values that templates name, each as PostgreSQL writes it in text. */
export type Key = Readonly<Record<string, string | null>>;

/** A row of the log: a key that was claimed. */
export interface LogRow {
  readonly id: number;
  readonly handler: string;
  readonly key: Key;
}

export interface Claim {
  /** Rows that left the queue table. */
  readonly entries: number;
  /** Their distinct keys, now in the log, by id: one after the other. */
  readonly rows: readonly LogRow[];
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
   * Moves up to `limit` entries into the log in one transaction: by id, or by place without an index.
   * @param after begin beyond the last one that an earlier claim took; null begins at the start
   */
  claim(limit: number, after: string | null): Promise<Claim>;
  backlog(): Promise<Backlog>;
}

/** At most this many rows of a queue table, and of the log, are counted: there may be more. */
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

/** The channel that is notified when the log has grown, for daemons that did not append to it. */
export const logGrown = 'uncached_log';

export interface Clock {
  /** Milliseconds on a clock that is never set. */
  now(): number;
  /** Rejects when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>;
}
