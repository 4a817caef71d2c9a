import { explain } from '../core/errors.ts';
import { channelOf } from './channel-name.ts';
import type { MemoryCache } from './contract.ts';
import type { SharedListener } from './shared-listener.ts';
import { valueCache } from './value-cache.ts';

interface FollowedOptions {
  readonly channels: readonly string[];
  readonly max: number;
  readonly maxStaleMs: number;
  readonly staleForMs: number;
  readonly now: () => number;
  readonly onError: (error: Error) => void;
}

/** A cache whose values are dropped by what the listener hears. */
export function followedCache<Value>(listener: SharedListener, options: FollowedOptions): MemoryCache<Value> {
  const { maxStaleMs, onError } = options;
  const names = [...new Set(options.channels)];
  const channels = [...new Set(names.map(channelOf))];
  const { changed, proven, close, ...cache } = valueCache<Value>({ ...options, channels });
  const following = listener.follow({
    channels,
    names,
    maxStaleMs,
    changed,
    wipe: cache.wipe,
    proven,
    onOutage: (cause) => onError(outage(cause, maxStaleMs)),
  });
  return {
    ...cache,
    current: following.current,
    close() {
      close();
      return following.close();
    },
  };
}

function outage(cause: Error, maxStaleMs: number): Error {
  return new Error(
    `Cannot hear of changes: ${explain(cause)}. After ${maxStaleMs} ms without them nothing comes from memory, and each call renders until they are heard again`,
    { cause },
  );
}
