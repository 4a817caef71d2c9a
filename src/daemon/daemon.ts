import type { ClearingParts } from '../clearing/clear-rows.ts';
import { Pipeline } from '../clearing/pipeline.ts';
import type { RootGuard } from '../clearing/root-guard.ts';
import {
  type ChannelBinding,
  channelsChanged,
  type Queue,
  type RecoveryScope,
  retryAsked,
  usableBindings,
} from '../core/contracts.ts';
import { StoppingError, toError } from '../core/errors.ts';
import { reportChannelProblems } from './channel-problems.ts';
import { watchChannels } from './channel-watch.ts';
import { startHandlerLoops } from './handler-loop.ts';
import { keepListening, type Listen } from './listen.ts';
import { Loop } from './loop.ts';
import { byChannel } from './notifications.ts';
import { rootReady } from './root-ready.ts';
import { startStations } from './stations.ts';
import { throttledLoop } from './throttle.ts';

export interface DaemonParts extends ClearingParts {
  readonly queues: ReadonlyMap<string, Queue>;
  /** Handlers that the configuration lacks something for: what to do about it. */
  readonly disabled?: ReadonlyMap<string, { readonly why: string }>;
  readonly channels: readonly ChannelBinding[];
  /** `listen_for` as it is now. */
  readonly readChannels: () => Promise<ChannelBinding[]>;
  readonly onChannelsChanged: (now: ChannelBinding[]) => void;
  readonly listen: Listen;
  readonly root: Pick<RootGuard, 'wakeup' | 'inspected' | 'contested' | 'step' | 'end' | 'leave'>;
  readonly settleMs: number;
  readonly sweepMs: number;
  readonly heartbeatMs: number;
  readonly batch: number;
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
  const { queues, batch, settleMs, sweepMs, heartbeatMs, root, observe, clock } = parts;
  const { throttles } = parts.timings;
  const channels = usableBindings(parts.channels);
  const pipeline = new Pipeline(parts, { settleMs, batch, lanes: true });
  const stations = startStations(pipeline, { limit: batch });
  const { recovery, recovering } = stations;
  const handlers = startHandlerLoops({ channels, queues, pipeline, batch, recovering });
  const watch = watchChannels(parts);
  const guard = new Loop('root', () => root.step(sweepMs), { clock, observe, wakeup: root.wakeup });
  /** Handlers without a queue are not swept: there is nothing to find. */
  const wakeQueues = () => {
    for (const name of queues.keys()) handlers.get(name)?.wake();
  };
  const sweep = new Loop(
    'sweep',
    async () => {
      wakeQueues();
      recovery.begin('abandoned');
      watch.read.wake();
      return sweepMs;
    },
    parts,
  );
  const retry = throttledLoop('retry asked for', throttles.retry, parts, () => recovery.begin('not-waiting'));
  const catchUp = throttledLoop('catch-up', throttles.catchUp, parts, () => {
    for (const { handler } of channels) if (!queues.has(handler)) handlers.get(handler)?.wake();
  });

  const notified = byChannel(channels, handlers);
  const stopListening = new AbortController();
  let scope: RecoveryScope = 'all';
  const listening = rootReady(root, {
    clock,
    inspectMs: parts.timings.root.inspectMs,
    signal: stopListening.signal,
  }).then(() => {
    sweep.wake();
    return keepListening(parts.listen, {
      heartbeatMs,
      clock,
      observe,
      signal: stopListening.signal,
      onNotification(channel) {
        observe({ kind: 'notified', channel });
        if (channel === channelsChanged) watch.changed.wake();
        if (channel === retryAsked) retry.wake();
        for (const handler of notified.get(channel) ?? []) handler.notified();
      },
      onListening() {
        observe({ kind: 'listening', channels });
        wakeQueues();
        catchUp.wake();
        recovery.begin(scope);
        scope = 'not-waiting';
      },
    });
  });
  reportChannelProblems(parts);
  guard.wake();

  const loops = [
    ...stations.loops,
    ...handlers.values(),
    ...Object.values(watch),
    guard,
    sweep,
    retry,
    catchUp,
  ];
  const stopAll = () => {
    stopListening.abort();
    root.end(new StoppingError());
    return Promise.all([listening, ...loops.map((loop) => loop.stop())]);
  };
  let stopped: Promise<unknown> | undefined;
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

async function leave({ root, observe }: DaemonParts): Promise<void> {
  try {
    await root.leave();
  } catch (thrown) {
    observe({ kind: 'marker-failed', error: toError(thrown) });
  }
}
