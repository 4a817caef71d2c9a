import type { ChannelBinding, Clock } from '../core/contracts.ts';
import type { Observe } from '../core/events.ts';
import type { Timings } from '../core/timings.ts';
import { Loop } from './loop.ts';
import { throttledLoop } from './throttle.ts';

interface Parts {
  readonly channels: readonly ChannelBinding[];
  readonly readChannels: () => Promise<ChannelBinding[]>;
  readonly onChannelsChanged: (now: ChannelBinding[]) => void;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly timings: Timings;
}

/**
 * Compares `listen_for` with its earlier content: `read` at once, `changed` when a notification says that it
 * has changed.
 */
export function watchChannels(parts: Parts): { read: Loop; changed: Loop } {
  const { channels, readChannels, onChannelsChanged } = parts;
  const before = JSON.stringify(channels);
  const read = new Loop(
    'listen_for',
    async () => {
      const now = await readChannels();
      if (JSON.stringify(now) !== before) onChannelsChanged(now);
      return null;
    },
    parts,
  );
  const changed = throttledLoop('listen_for changed', parts.timings.throttles.channels, parts, () =>
    read.wake(),
  );
  return { read, changed };
}
