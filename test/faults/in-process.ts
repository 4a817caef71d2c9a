import { setTimeout as wait } from 'node:timers/promises';
import { loadAll, openApp } from '../../src/app.ts';
import type { Cache, Clock } from '../../src/core/contracts.ts';
import type { Event } from '../../src/core/events.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { clear } from '../../src/filesystem/clear.ts';
import { systemWalk } from '../../src/filesystem/walk.ts';
import type { Breaker } from './fail-call.ts';

/** A back-off of seconds is a few milliseconds here; what waits for a wake waits on. */
const longestWaitMs = 4;

const hastyClock: Clock = {
  now: () => performance.now(),
  wait: (ms, signal) =>
    wait(Number.isFinite(ms) ? Math.min(ms, longestWaitMs) : 2 ** 31 - 1, undefined, { signal }),
};

export interface InProcess {
  readonly events: readonly Event[];
  stop(): Promise<void>;
}

/** The daemon in this process, with a real PostgreSQL and real files, each contract behind the breaker. */
export async function startBreakable(
  file: string,
  breaker: Breaker,
  walk = systemWalk(),
): Promise<InProcess> {
  const app = openApp(loadAll(file));
  const events: Event[] = [];
  const observe = (event: Event) => void events.push(event);
  const { cache: settings, daemon } = app.configuration;
  const cache: Cache = {
    clear: async (patterns) => clear(settings.root, [...patterns], walk),
    close: async () => {},
  };
  const channels = await app.channels();
  const listen = app.listenTo(channels);
  const running = startDaemon({
    ...app.means(observe),
    clock: hastyClock,
    cache: breaker.wrap('cache', cache),
    journal: breaker.wrap('journal', app.journal),
    queues: new Map([...app.queues].map(([name, queue]) => [name, breaker.wrap('queue', queue)])),
    channels,
    readChannels: app.channels,
    onChannelsChanged: () => {},
    listen: (onNotification) =>
      breaker.call(
        'listen',
        () => listen(onNotification),
        (lost) => lost.close(),
      ),
    revival: app.revival,
    settleMs: settings.settleMs,
    // By itself, not by waiting: a sweep with this clock would come every few milliseconds and hide what was forgotten.
    sweepMs: Number.POSITIVE_INFINITY,
    heartbeatMs: Number.POSITIVE_INFINITY,
    batch: daemon.batch,
  });
  return {
    events,
    async stop() {
      await running.stop();
      await app.close();
    },
  };
}
