import type { ClaimContext } from '../clearing/drain-queue.ts';
import type { Handler } from '../clearing/handler.ts';
import {
  type ChannelBinding,
  channelsChanged,
  logGrown,
  type Queue,
  retryAsked,
  usableBindings,
} from '../core/contracts.ts';
import { StoppingError, toError } from '../core/errors.ts';
import type { Timings } from '../core/timings.ts';
import { Absence } from './absence.ts';
import { reportChannelProblems } from './channel-problems.ts';
import { watchChannels } from './channel-watch.ts';
import { startHandlerLoops } from './handler-loop.ts';
import { keepListening, type Listen } from './listen.ts';
import { Loop } from './loop.ts';
import { byChannel } from './notifications.ts';
import { type GuardedRoot, rootReady } from './root-ready.ts';
import { startStations } from './stations.ts';
import { throttledLoop } from './throttle.ts';

export interface DaemonParts extends ClaimContext {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly timings: Timings;
  readonly queues: ReadonlyMap<string, Queue>;
  /** Handlers that the configuration lacks something for: what to do about it. */
  readonly disabled?: ReadonlyMap<string, { readonly why: string }>;
  readonly channels: readonly ChannelBinding[];
  /** `listen_for` as it is now. */
  readonly readChannels: () => Promise<ChannelBinding[]>;
  readonly onChannelsChanged: (now: ChannelBinding[]) => void;
  readonly listen: Listen;
  readonly root: GuardedRoot;
  /**
   * Tells the fleet that the consumers of this daemon are alive, and what their problem is. `becameFirst`: from now on
   * it claims at once (claimsAtOnce), and did not before.
   */
  readonly report: () => Promise<{ becameFirst: boolean }>;
  /** Other daemons may have the consumers of this one. */
  readonly release: () => Promise<void>;
  readonly sweepMs: number;
  readonly heartbeatMs: number;
  readonly batch: number;
  /** Whether a notification that names its key has it cleared at once. */
  readonly hints: boolean;
  /** Whether notifications wake it. Otherwise it looks every `pollMs`. */
  readonly listens: boolean;
  readonly pollMs: number;
  /** A consumer that is away for so long expires. */
  readonly expireMs: number;
  /** Rows of the log are kept for so long after everybody has settled them. */
  readonly keepMs: number;
}

export interface Daemon {
  /**
   * May be called more than once. Resolves when nothing is under way any more.
   * @param leaving the process ends: the markers in root are to say that it ended in order
   */
  stop(how: { leaving: boolean }): Promise<void>;
}

/**
 * Starts what stays running: a loop for each handler, one for each station of the pipeline, the sweep, the
 * look at `listen_for`, the guard of root, and the listener. Each is asked for a run by a wake; none waits
 * for another.
 */
export function startDaemon(parts: DaemonParts): Daemon {
  const { queues, sweepMs, heartbeatMs, root, observe, clock, consumers, timings } = parts;
  const { throttles } = timings;
  const channels = usableBindings(parts.channels);
  const stations = startStations(parts);
  const handlers = startHandlerLoops({ ...parts, channels, context: parts, mayClaim: root.inspected });
  const watch = watchChannels(parts);
  const guard = new Loop('root', () => root.step(sweepMs), {
    ...parts,
    wakeup: root.wakeup,
    observe(fact) {
      // Its step works again, and says that root is away.
      if (fact.kind !== 'loop-recovered' || root.problem === undefined) observe(fact);
    },
  });
  /** Handlers without a queue are not swept: there is nothing to find. */
  const wakeQueues = () => {
    for (const name of queues.keys()) handlers.get(name)?.wake();
  };
  const sweep = new Loop(
    'sweep',
    async () => {
      wakeQueues();
      consumers.wake();
      consumers.retry();
      watch.read.wake();
      trim.wake();
      return sweepMs;
    },
    parts,
  );
  const poll = new Loop(
    'poll',
    async () => {
      wakeQueues();
      consumers.wake();
      return parts.pollMs;
    },
    parts,
  );
  const seenMs = Math.min(heartbeatMs, timings.consumerSeenMs);
  const report = new Loop(
    'consumers',
    async () => {
      // Nobody acted on what came after the one that was the first had died.
      if ((await parts.report()).becameFirst) {
        wakeQueues();
        catchUp.wake();
      }
      return seenMs;
    },
    parts,
  );
  const absence = new Absence(clock, parts.expireMs);
  const trim = new Loop(
    'trim',
    async () => {
      await parts.log.expire(absence.look(await parts.log.lastSeen()));
      await parts.log.trim(parts);
      return null;
    },
    parts,
  );
  const retry = throttledLoop('retry asked for', throttles.retry, parts, () => consumers.retry());
  const catchUp = throttledLoop('catch-up', throttles.catchUp, parts, () => {
    for (const { handler } of channels) if (!queues.has(handler)) handlers.get(handler)?.wake();
  });

  const notified = byChannel(channels, handlers);
  const stopListening = new AbortController();
  let attempts = 0;
  const listen: Listen = (onNotification) => {
    attempts += 1;
    // The session before this one is gone: until the durable cursors are read again, none is written.
    if (attempts > 1) consumers.doubt();
    return parts.listen(onNotification);
  };
  const listening = rootReady(root, {
    clock,
    inspectMs: timings.root.inspectMs,
    signal: stopListening.signal,
  }).then(() => {
    sweep.wake();
    report.wake();
    if (!parts.listens) poll.wake();
    return keepListening(listen, {
      heartbeatMs,
      backoff: timings.backoff,
      clock,
      observe,
      signal: stopListening.signal,
      onNotification(channel, payload) {
        observe({ kind: 'notified', channel });
        if (channel === channelsChanged) watch.changed.wake();
        if (channel === retryAsked) retry.wake();
        if (channel === logGrown) consumers.wake();
        for (const handler of notified.get(channel) ?? []) handler.notified(payload);
      },
      onListening() {
        observe({ kind: 'listening', channels });
        wakeQueues();
        catchUp.wake();
        absence.reset();
        // From now on it may be the first.
        report.wake();
        // A crash of the server, or a standby in its place, may have undone what was claimed and settled.
        if (attempts > 1) root.rejoin();
        // It may have grown since it was read.
        else consumers.wake();
      },
    });
  });
  reportChannelProblems(parts);
  guard.wake();

  const loops = [
    ...stations,
    ...handlers.values(),
    ...Object.values(watch),
    guard,
    sweep,
    poll,
    trim,
    report,
    retry,
    catchUp,
  ];
  const stopAll = async () => {
    stopListening.abort();
    root.end(new StoppingError());
    consumers.end(new StoppingError());
    await Promise.all([listening, ...loops.map((loop) => loop.stop())]);
    await consumers.flush().catch(() => {});
  };
  let stopped: Promise<void> | undefined;
  let left: Promise<void> | undefined;
  return {
    async stop({ leaving }) {
      stopped ??= stopAll();
      await stopped;
      // A reload goes on at once: nothing has to be on the disk for it.
      if (!leaving) return;
      left ??= leave(parts);
      await left;
    },
  };
}

async function leave({ root, release, observe }: DaemonParts): Promise<void> {
  try {
    await root.leave();
  } catch (thrown) {
    observe({ kind: 'marker-failed', error: toError(thrown) });
  }
  // If the database is gone, it sees that the session is.
  await release().catch(() => {});
}
