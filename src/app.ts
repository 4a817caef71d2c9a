import { randomBytes } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import type { Means } from './clearing/clearing.ts';
import { commandRunner } from './clearing/command.ts';
import { type Handler, parseHandlers } from './clearing/handler.ts';
import { InHand } from './clearing/in-hand.ts';
import { type Loaded, load } from './config/load.ts';
import type { Configuration } from './core/configuration.ts';
import {
  type Clock,
  channelsChanged,
  type Journal,
  type Listened,
  type Queue,
  type Revival,
  retryAsked,
} from './core/contracts.ts';
import { UsageError } from './core/errors.ts';
import type { Observe } from './core/events.ts';
import type { Listen } from './daemon/ear.ts';
import { startApart } from './filesystem/apart.ts';
import { keepMarker } from './filesystem/boot.ts';
import { openCache, type WatchedCache } from './filesystem/cache.ts';
import { readChannels } from './postgres/channels.ts';
import { connectionConfigs } from './postgres/connection.ts';
import { openHosts } from './postgres/hosts.ts';
import { openJournal } from './postgres/journal.ts';
import { listen } from './postgres/listener.ts';
import { openPool } from './postgres/pool.ts';
import { openQueue } from './postgres/queue.ts';

/** Everything wired together for one configuration. The command line and the tests build the same value. */
export interface App {
  readonly configuration: Configuration;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly disabled: Loaded['disabled'];
  readonly queues: ReadonlyMap<string, Queue>;
  readonly journal: Journal;
  readonly cache: WatchedCache;
  readonly revival: Revival;
  readonly clock: Clock;
  /** Before the first query: with several hosts, settles on the primary. */
  findPrimary(): Promise<void>;
  /** `listen_for`, as it is now. */
  channels(): Promise<Listened[]>;
  listenTo(channels: readonly Listened[]): Listen;
  means(observe: Observe): Omit<Means, 'onFailed'>;
  /** Closes connections and the hands that clear. */
  close(): Promise<void>;
}

/** A configuration whose handlers make sense, too. Throws a UsageError with every problem there is. */
export function loadAll(file: string): Loaded & { handlers: Map<string, Handler> } {
  const loaded = load(file);
  const { handlers, problems } = parseHandlers(loaded.configuration.handlers);
  if (problems.length > 0) throw new UsageError(problems.map((problem) => `${file}: ${problem}`));
  return { ...loaded, handlers };
}

/** A daemon that is silent for so many heartbeats has lost its journal rows to others. */
const missedHeartbeats = 3;

export function openApp({ configuration, handlers, disabled }: ReturnType<typeof loadAll>): App {
  // Names this process among the daemons on the database, in its sessions and as the owner of journal rows (journal.ts).
  const owner = randomBytes(8).toString('hex');
  const hosts = openHosts(connectionConfigs(configuration.database, { sessionName: `uncached ${owner}` }));
  const pool = openPool(hosts);
  const user = hosts.current().user ?? '';
  const journal = openJournal(pool, { owner, leaseMs: configuration.daemon.heartbeatMs * missedHeartbeats });
  const cache = openCache(configuration.cache.root, startApart, {
    listing: configuration.daemon.log === 'debug',
  });
  const queues = new Map(
    [...handlers.values()].flatMap(({ name, queue, columns }) =>
      queue === undefined
        ? []
        : [[name, openQueue(pool, { handler: name, queue, columns, user, owner })] as const],
    ),
  );
  return {
    configuration,
    handlers,
    disabled,
    queues,
    journal,
    cache,
    revival: keepMarker(configuration.cache.root),
    clock: systemClock,
    channels: () => readChannels(pool),
    findPrimary: hosts.findPrimary,
    listenTo: (channels) => async (onNotification) => {
      await hosts.findPrimary();
      const names = [channelsChanged, retryAsked, ...channels.map(({ channel }) => channel)];
      return listen(hosts.current(), pool, names, onNotification);
    },
    means: (observe) => ({
      handlers,
      journal,
      cache,
      run: commandRunner(),
      inHand: new InHand(),
      clock: systemClock,
      observe,
    }),
    async close() {
      await Promise.all([pool.end(), cache.close()]);
    },
  };
}

/** setTimeout's longest time; a wait without end is cut there, which a loop sees as one more wake. */
const longestMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => performance.now(),
  wait: (ms, signal) => wait(Math.min(ms, longestMs), undefined, { signal }),
};
