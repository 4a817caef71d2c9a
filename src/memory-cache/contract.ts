import type { ColumnValue } from './dependency.ts';

/**
 * Makes the value for a key. IT MUST TAKE ITS DATABASE SNAPSHOT AFTER IT IS CALLED, on the primary: rows read
 * before, a transaction begun before, another cache or a standby may lack a change that was heard of already,
 * and the value would be stale for good. Give it a time limit of its own, since every caller that joined waits
 * for it.
 */
export type Render<Value> = (page: Rendering) => Promise<Value> | Value;

/** What a render declares while it runs; the methods may be taken apart from the object. */
export interface Rendering {
  /**
   * The value is dropped when a notification on the channel names a key with these values; without columns,
   * at each notification. A render that declares nothing depends on every channel of its cache. Throws where
   * nothing could ever drop the value: a channel that the cache does not listen to, a value that is no text, a
   * render that has ended.
   */
  dependsOn(channel: string, columns?: Readonly<Record<string, ColumnValue>>): void;
}

/**
 * - hit: from memory.
 * - stored: rendered, and in memory for the next caller.
 * - joined: another caller's render, which lacks nothing that was heard of before this call.
 * - stale: changed less than `staleForMs` ago; it is being rendered meanwhile.
 * - overtaken: rendered, but what it depends on changed meanwhile: not stored.
 * - bypassed: rendered and not stored, because it is unknown whether changes are still heard of.
 */
export type Outcome = (typeof outcomes)[number];
export const outcomes = ['hit', 'stored', 'joined', 'stale', 'overtaken', 'bypassed'] as const;

export interface Result<Value> {
  /** Shared between callers: not to be changed. */
  readonly value: Value;
  readonly outcome: Outcome;
}

export interface GetOptions {
  /** The value is dropped after so long, whatever is heard. Default: never. */
  readonly ttlMs?: number;
}

/** Totals since the cache was made, and what is true now: for metrics. */
export interface Statistics {
  /** Calls by outcome. A `peek` that finds something is a hit. */
  readonly outcomes: Readonly<Record<Outcome, number>>;
  /** Notifications that were heard. */
  readonly changes: number;
  /** Values that a change has dropped or made stale. */
  readonly dropped: number;
  /** Values that gave way to others, since there were `max`. */
  readonly evicted: number;
  /** How often everything was dropped: once after each LISTEN. */
  readonly wipes: number;
  readonly entries: number;
  /** Different dependencies of the entries. */
  readonly dependencies: number;
  /** Renders under way. */
  readonly rendering: number;
  /** How long ago it was last proved that everything has been heard; infinite before the first time. */
  readonly provenMsAgo: number;
  /** Whether values come from memory: `provenMsAgo` is at most `maxStaleMs`. */
  readonly usable: boolean;
}

export interface MemoryCache<Value> {
  /**
   * The value from memory, else from `render`, which is then kept. A caller is given nothing older than what
   * was heard of when it called, and so nothing older than `maxStaleMs`. After `await current()` it is
   * given nothing older than that call, unless `staleForMs` allows it. Rejects with the error of `render` and
   * with nothing else.
   */
  get(key: string, render: Render<Value>, options?: GetOptions): Promise<Result<Value>>;
  /** What a hit would be given; undefined where there is none. */
  peek(key: string): Value | undefined;
  /** Renders in any case, and keeps the value as `get` does. */
  fill(key: string, render: Render<Value>, options?: GetOptions): Promise<Result<Value>>;
  /**
   * Resolves when everything that was committed before the call has been heard, with one round trip, which
   * callers share. During an outage it waits for the next attempt to connect. Rejects if that fails.
   */
  current(): Promise<void>;
  /** Drops everything, and what is being rendered. */
  wipe(): void;
  statistics(): Statistics;
  /** Ends listening, unless other caches need it. Values are rendered each time from now on. */
  close(): Promise<void>;
}
