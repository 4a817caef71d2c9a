import { checkOptions } from './check-options.ts';
import type { MemoryCache } from './contract.ts';
import { followedCache } from './followed-cache.ts';
import type { ConnectionSettings } from './notification-source.ts';
import { listenerFor } from './shared-listeners.ts';

export type { GetOptions, MemoryCache, Outcome, Render, Rendering, Result, Statistics } from './contract.ts';
export type { ColumnValue } from './dependency.ts';
export { type Answer, answer, etagOf, notModified, type RequestHeaders } from './entity-tag.ts';
export { type LayeredPage, type LayeredPages, layeredPages } from './layered-pages.ts';
export type { ConnectionSettings } from './notification-source.ts';

export interface MemoryCacheOptions {
  /** Of the primary. Caches with the same settings share one listening connection. */
  readonly connection: ConnectionSettings;
  /** The channels on which changes are notified, at least one. */
  readonly channels: readonly string[];
  /**
   * Called with what the callers do not see: once an outage when it begins, and when the refreshing of a stale
   * value fails. Log it and alert on it. Must not throw.
   */
  readonly onError: (error: Error) => void;
  /** Values in memory; the one that was used longest ago gives way. Default: 10,000. */
  readonly max?: number;
  /**
   * Without a proof, for so long, that all changes are heard, nothing comes from memory. It is proved three times
   * as often. At least 100. Default: 5,000.
   */
  readonly maxStaleMs?: number;
  /** A changed value is served for so long at most, while it is rendered. Default: 0. */
  readonly staleForMs?: number;
}

/** A cache in the memory of this process, whose values are dropped when what they depend on changes. */
export function memoryCache<Value>(options: MemoryCacheOptions): MemoryCache<Value> {
  checkOptions({ ...options });
  const { connection, channels, onError, max = 10_000, maxStaleMs = 5_000, staleForMs = 0 } = options;
  const { listener, now } = listenerFor(connection);
  return followedCache(listener, { channels, max, maxStaleMs, staleForMs, now, onError });
}
