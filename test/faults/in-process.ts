import { setTimeout as wait } from 'node:timers/promises';
import { openApp, type Workers } from '../../src/app.ts';
import type { Clock } from '../../src/core/contracts.ts';
import type { Event } from '../../src/core/events.ts';
import type { RunCommand } from '../../src/core/run-command.ts';
import { type Timings, usualTimings } from '../../src/core/timings.ts';
import { startDaemon } from '../../src/daemon/daemon.ts';
import type { Walk } from '../../src/filesystem/walk/directory.ts';
import { systemWalk } from '../../src/filesystem/walk/walk.ts';
import { type AnswerTo, answerRequest } from '../../src/filesystem/workers/worker-request.ts';
import { loadAll } from '../../src/load-all.ts';
import { foldFailures } from '../../src/observe/fold-failures.ts';
import { foldOutages } from '../../src/observe/fold-outages.ts';
import { openPools } from '../../src/postgres/pool.ts';
import type { Breaker } from './fail-call.ts';

/** A back-off of seconds lasts a few milliseconds here. A wait for a wake-up is not shortened. */
const longestWaitMs = 4;

const hastyClock: Clock = {
  now: () => performance.now(),
  wait: (ms, signal) =>
    wait(Number.isFinite(ms) ? Math.min(ms, longestWaitMs) : 2 ** 31 - 1, undefined, { signal }),
};

/**
 * On a busy machine, too, only those calls fail that were told to: no time-out ends one. What must be read again at
 * once after an error is not found by a later reading, and no cursor waits for a second before it is written.
 */
const timings: Timings = {
  ...usualTimings,
  recovery: { ...usualTimings.recovery, outliveMs: 0 },
  settling: { ...usualTimings.settling, writeAgainMs: 0 },
  // A root that joins after the first claim has missed something, and is wiped.
  root: { ...usualTimings.root, inspectMs: Number.POSITIVE_INFINITY },
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
 * The daemon in this process, with a real PostgreSQL and real files. Each statement, each clearing and each attempt
 * to listen goes through the breaker.
 */
export async function startBreakable(
  file: string,
  breaker: Breaker,
  { walk = systemWalk(), run }: { walk?: Walk; run?: RunCommand } = {},
): Promise<InProcess> {
  let begun = false;
  const call: Breaker['call'] = (what, original, lose) =>
    begun ? breaker.call(what, original, lose) : original();
  const app = openApp(loadAll(file), {
    timings,
    clock: hastyClock,
    pools: (...given) => breakable(openPools(...given), call),
    ...(run && { run }),
  });
  const events: Event[] = [];
  const observe = foldFailures(
    foldOutages((event) => void events.push(event), hastyClock.now),
    hastyClock.now,
  );
  const { cache: settings, daemon } = app.configuration;
  const workers: Workers = {
    // The request is answered directly, as a worker would.
    ask: async (request) => answerRequest(request, settings.root, walk) as AnswerTo<typeof request>,
    clear: (patterns, { identities } = {}) =>
      call('clear', async () =>
        workers.ask({
          kind: 'clear',
          patterns: [...patterns].flat(),
          listing: false,
          ...(identities && { identities }),
        }),
      ),
    close: async () => {},
    silent: { suspended: [], suspend() {} },
  };
  const context = app.context(observe, workers);
  const channels = await app.channels();
  const listen = app.listenTo(channels);
  begun = true;
  const running = startDaemon({
    ...context,
    ...daemon,
    log: app.log,
    handlers: app.handlers,
    queues: app.queues,
    channels,
    readChannels: app.channels,
    onChannelsChanged: () => {},
    listen: (onNotification) =>
      call(
        'listen',
        () => listen(onNotification),
        (lost) => lost.close(),
      ),
    // No sweep: with this clock one would run every few milliseconds and hide rows that nobody reads.
    sweepMs: Number.POSITIVE_INFINITY,
    heartbeatMs: Number.POSITIVE_INFINITY,
  });
  return {
    events,
    async stop() {
      await running.stop({ leaving: true });
      await app.close();
    },
  };
}

function breakable<Pools extends ReturnType<typeof openPools>>(pools: Pools, call: Breaker['call']): Pools {
  const wrap = (pool: Pools['pool']): Pools['pool'] => ({
    ...pool,
    query: ((...given: [string | { name?: string; text: string }]) =>
      call(nameOf(given[0]), () => Reflect.apply(pool.query, pool, given))) as typeof pool.query,
  });
  return { ...pools, pool: wrap(pools.pool), claims: wrap(pools.claims), asking: wrap(pools.asking) };
}

/** A claim has another number in each daemon. */
function nameOf(statement: string | { name?: string; text: string }): string {
  if (typeof statement === 'string') return statement.replace(/\s+/g, ' ').trim().slice(0, 60);
  return statement.name?.replace(/_\d+$/, '') ?? nameOf(statement.text);
}
