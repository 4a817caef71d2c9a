import { fromJournal, retry } from '../clearing/again.ts';
import { Lane } from '../clearing/aside.ts';
import type { Means } from '../clearing/clearing.ts';
import { type Cleared, clearWithoutQueue, drain } from '../clearing/drain.ts';
import type { Handler } from '../clearing/handler.ts';
import { Pace } from '../clearing/pace.ts';
import { clearRevived } from '../clearing/revive.ts';
import { Settling, settledAtOnce } from '../clearing/settling.ts';
import {
  channelsChanged,
  type Listened,
  type Queue,
  type Revival,
  retryAsked,
  type Which,
} from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import { keepListening, type Listen } from './ear.ts';
import { tellFailuresOnce } from './failures.ts';
import { Loop } from './loop.ts';
import { tellOutagesOnce } from './outage.ts';
import { Rest } from './rest.ts';

export interface DaemonParts extends Omit<Means, 'onFailed' | 'aside'> {
  readonly queues: ReadonlyMap<string, Queue>;
  /** Handlers that the configuration lacks something for, and what to do about it. */
  readonly disabled?: ReadonlyMap<string, string>;
  readonly channels: readonly Listened[];
  /** `listen_for` as it is now. */
  readonly readChannels: () => Promise<Listened[]>;
  readonly onChannelsChanged: () => void;
  readonly listen: Listen;
  readonly revival: Revival;
  readonly settleMs: number;
  readonly sweepMs: number;
  readonly heartbeatMs: number;
  readonly batch: number;
}

/** Rows that others held locked are looked for again after this, since no notification need come for them. */
const remainsMs = 1_000;

/**
 * Starts what stays running: a loop for each handler, one for what the journal holds, one for failing rows, one that settles, the
 * sweep, and the ear. Each drives the next by wakes; none waits for another.
 */
export function startDaemon(given: DaemonParts): { stop(): Promise<void> } {
  const { now } = given.clock;
  const parts = { ...given, observe: tellFailuresOnce(tellOutagesOnce(given.observe, now), now) };
  const { handlers, queues, channels, batch, observe, clock } = parts;
  const means: Means = {
    ...parts,
    onFailed: () => failing.wake(),
    aside(handler, work) {
      lanes.get(handler)?.lane.add(work);
      lanes.get(handler)?.loop.wake();
    },
  };
  const settling = new Settling(means, { settleMs: parts.settleMs, limit: settledAtOnce(batch) });
  const onCleared = (ids: readonly number[], { more = false } = {}) => {
    settling.add(ids, { more });
    settle.wake();
  };

  const again = fromJournal(means, { limit: batch, onCleared });
  const beginAgain = (which: Which) => {
    again.begin(which);
    journal.wake();
  };

  const settle = new Loop('settle', () => settling.step(), parts);
  const journal = new Loop('journal', () => again.step(), parts);
  const failing = new Loop('failing', orBeginAgain(retry(means, { limit: batch, onCleared })), parts);
  const lanes = new Map(
    [...handlers.values()]
      .filter(({ commands }) => commands.length > 0)
      .map(({ name }) => {
        const lane = new Lane();
        return [name, { lane, loop: new Loop(`${name}, again`, () => lane.step(), parts) }];
      }),
  );
  const loops = new Map(
    [...handlers.values()].filter(isWoken).map((handler) => [handler.name, handlerLoop(handler)]),
  );
  const watch = new Loop(
    'listen_for',
    async () => {
      const now = await parts.readChannels();
      if (JSON.stringify(now) !== JSON.stringify(channels)) parts.onChannelsChanged();
      return null;
    },
    parts,
  );
  const sweep = new Loop('sweep', sweepAll, parts);
  let marked = false;
  const revival = new Loop(
    'machine',
    async () => {
      await clearRevived(parts.revival, means);
      marked = true;
      return null;
    },
    parts,
  );

  // Found once: there may be 50,000 notifications in a second.
  const heard = new Map<string, Loop[]>();
  for (const { channel, handler } of channels) {
    const loop = loops.get(handler);
    if (loop) heard.set(channel, [...(heard.get(channel) ?? []), loop]);
  }

  const stopListening = new AbortController();
  let listened = false;
  const listening = keepListening(parts.listen, {
    heartbeatMs: parts.heartbeatMs,
    clock,
    observe,
    signal: stopListening.signal,
    onNotification(channel) {
      observe({ kind: 'notified', channel });
      if (channel === channelsChanged) watch.wake();
      if (channel === retryAsked) beginAgain('untried');
      for (const loop of heard.get(channel) ?? []) loop.wake();
    },
    onListening() {
      observe({ kind: 'listening', channels });
      for (const loop of loops.values()) loop.wake();
      beginAgain(listened ? 'untried' : 'all');
      listened = true;
    },
  });
  tellStrangers(parts);
  for (const loop of [revival, sweep]) loop.wake();

  return {
    async stop() {
      stopListening.abort();
      const asides = [...lanes.values()].map(({ loop }) => loop);
      const all = [revival, sweep, watch, ...loops.values(), journal, failing, settle, ...asides];
      await Promise.all([listening, ...all.map((loop) => loop.stop())]);
      if (marked) markClean(parts);
    },
  };

  function isWoken({ name, queue }: Handler): boolean {
    return queue !== undefined || channels.some(({ handler }) => handler === name);
  }

  function handlerLoop(handler: Handler): Loop {
    const queue = queues.get(handler.name);
    const pace = new Pace(batch);
    const rest = new Rest(clock.now);
    let found = false;
    const told: Means & { onCleared: Cleared } = {
      ...means,
      onCleared({ cleared, entries, more }) {
        found ||= queue !== undefined && entries > 0;
        onCleared(cleared, { more });
      },
    };
    return new Loop(
      handler.name,
      orBeginAgain(async (signal) => {
        if (rest.ms > 0) await clock.wait(rest.ms, signal).catch(() => {});
        found = false;
        let remains = false;
        if (queue) remains = await drain(handler, queue, { ...told, pace, signal });
        else await clearWithoutQueue(handler, told);
        rest.looked({ found });
        return remains ? remainsMs : null;
      }),
      parts,
    );
  }

  /** Handlers without a queue are not swept: there is nothing to find. */
  async function sweepAll(): Promise<number> {
    for (const name of queues.keys()) loops.get(name)?.wake();
    beginAgain('forgotten');
    watch.wake();
    return parts.sweepMs;
  }

  function orBeginAgain(work: (signal: AbortSignal) => Promise<number | null>) {
    return (signal: AbortSignal) =>
      work(signal).catch((error) => {
        beginAgain('untried');
        throw error;
      });
  }
}

function markClean({ revival, observe }: DaemonParts): void {
  try {
    revival.markClean();
  } catch (thrown) {
    observe({ kind: 'unclean', error: toError(thrown) });
  }
}

/** Channels that wake nobody and handlers that nobody wakes: an error in the log each, and the rest goes on. */
function tellStrangers({ handlers, disabled, channels, observe }: DaemonParts): void {
  const known = [...handlers.keys()];
  for (const { channel, handler } of channels) {
    const why = disabled?.get(handler);
    if (why !== undefined) observe({ kind: 'disabled-handler', channel, handler, why });
    else if (!handlers.has(handler)) observe({ kind: 'unknown-handler', channel, handler, known });
  }
  for (const { name, queue } of handlers.values()) {
    if (queue !== undefined && !channels.some(({ handler }) => handler === name)) {
      observe({ kind: 'unheard-handler', handler: name });
    }
  }
}
