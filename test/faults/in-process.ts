import { setTimeout as wait } from 'node:timers/promises';
import { loadAll, openApp, type Workers } from '../../src/app.ts';
import type { Clock } from '../../src/core/contracts.ts';
import type { Event } from '../../src/core/events.ts';
import { type Timings, usualTimings } from '../../src/core/timings.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import { systemWalk } from '../../src/filesystem/walk/walk.ts';
import { type AnswerTo, answerRequest } from '../../src/filesystem/workers/worker-request.ts';
import { foldFailures } from '../../src/observe/fold-failures.ts';
import { foldOutages } from '../../src/observe/fold-outages.ts';
import type { Breaker } from './fail-call.ts';

/** A back-off of seconds lasts a few milliseconds here. A wait for a wake-up is not shortened. */
const longestWaitMs = 4;

const hastyClock: Clock = {
  now: () => performance.now(),
  wait: (ms, signal) =>
    wait(Number.isFinite(ms) ? Math.min(ms, longestWaitMs) : 2 ** 31 - 1, undefined, { signal }),
};

/** On a busy machine, too, only those calls fail that were told to: no time-out ends one. */
const timings: Timings = {
  ...usualTimings,
  database: {
    connectMs: 100_000,
    lockMs: 100_000,
    statementMs: 100_000,
    queryMs: 110_000,
    sendMs: 100_000,
    deliveryMs: 100_000,
  },
};

export interface InProcess {
  readonly events: readonly Event[];
  stop(): Promise<void>;
}

/**
 * The daemon in this process, with a real PostgreSQL and real files. Calls of each contract go through the
 * breaker.
 */
export async function startBreakable(
  file: string,
  breaker: Breaker,
  walk = systemWalk(),
): Promise<InProcess> {
  const app = openApp(loadAll(file), { timings });
  const events: Event[] = [];
  const observe = (event: Event) => void events.push(event);
  const { cache: settings, daemon } = app.configuration;
  const workers: Workers = {
    // The request is answered directly, as a worker would.
    ask: async (request) => answerRequest(request, settings.root, walk) as AnswerTo<typeof request>,
    clear: async (patterns, { identities } = {}) =>
      workers.ask({
        kind: 'clear',
        patterns: [...patterns].flat(),
        listing: false,
        ...(identities && { identities }),
      }),
    close: async () => {},
  };
  const context = app.context(observe, workers);
  const channels = await app.channels();
  const listen = app.listenTo(channels);
  const running = startDaemon({
    ...context,
    observe: foldFailures(foldOutages(observe, hastyClock.now), hastyClock.now),
    clock: hastyClock,
    cache: breaker.wrap('cache', context.cache),
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
    settleMs: settings.settleMs,
    // No sweep: with this clock one would run every few milliseconds and hide abandoned rows.
    sweepMs: Number.POSITIVE_INFINITY,
    heartbeatMs: Number.POSITIVE_INFINITY,
    batch: daemon.batch,
  });
  return {
    events,
    async stop() {
      await running.stop({ leaving: true });
      await app.close();
    },
  };
}
