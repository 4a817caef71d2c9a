import { randomBytes } from 'node:crypto';
import { readHandlers } from './cache-kinds.ts';
import { commandRunner } from './caches/command/command.ts';
import { frontsOf } from './caches/files/files-steps.ts';
import type { Handler } from './clearing/handler.ts';
import { type Loaded, load } from './config/load.ts';
import { type Configuration, sectionsOf } from './config/typed-configuration.ts';
import type { Log } from './core/consumer-contract.ts';
import {
  type ChannelBinding,
  type Clock,
  channelsChanged,
  channelsOf,
  logGrown,
  type Queue,
  retryAsked,
  usableBindings,
} from './core/contracts.ts';
import type { DaemonRegistry } from './core/daemon-registry.ts';
import { explain, toError, UsageError } from './core/errors.ts';
import type { Observe } from './core/events.ts';
import type { Holding } from './core/holding.ts';
import type { RunCommand } from './core/run-command.ts';
import { type Timings, usualTimings } from './core/timings.ts';
import type { OpenZone, ZoneFiles } from './core/zone-files.ts';
import type { Listen } from './daemon/listen.ts';
import { systemClock } from './daemon/system-clock.ts';
import { rootProblem } from './filesystem/root-access.ts';
import { type FileCache, openCache } from './filesystem/workers/file-cache.ts';
import { rootMarkers } from './filesystem/workers/root-markers.ts';
import { type StartWorker, startWorkerProcess } from './filesystem/workers/start-worker.ts';
import { zoneOpener } from './filesystem/workers/zone-workers.ts';
import { type OpenedCaches, openCaches } from './open-caches.ts';
import { openDependents } from './postgres/ask-dependents.ts';
import { listHolding } from './postgres/barrier.ts';
import { readChannels } from './postgres/channels.ts';
import { connectionConfigs, describeConnection, describeServer } from './postgres/connection.ts';
import { openDaemonTable } from './postgres/daemon-table.ts';
import { expandProblems } from './postgres/expand-inspection.ts';
import { openHosts } from './postgres/hosts.ts';
import { inspectQueue, inspectSchema } from './postgres/inspections.ts';
import { canReceive, listen } from './postgres/listener.ts';
import { type Lock, tryLock } from './postgres/lock.ts';
import { openLog } from './postgres/log.ts';
import { pollInstead } from './postgres/polling.ts';
import { openPools } from './postgres/pool.ts';
import { openQueue } from './postgres/queue.ts';
import { openRoots } from './postgres/roots.ts';
import { openSharing, sharedQueues } from './postgres/shared-queues.ts';

/** What clears, and what else works on root. */
export type Workers = Pick<FileCache, 'clear' | 'close' | 'ask'>;

/** Everything wired together for one configuration. The command line and the tests build the same value. */
export interface App {
  /** Names the daemon in its sessions, and as the owner of consumers. */
  readonly owner: string;
  readonly configuration: Configuration;
  /** Its name, and the server in use. */
  database(): string;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly disabled: Loaded['disabled'];
  readonly queues: ReadonlyMap<string, Queue>;
  /** The queues whose entries wait for disabled handlers. */
  readonly disabledQueues: ReadonlyMap<string, Queue>;
  readonly log: Log;
  /** What holds announcements; undefined where the barrier is not installed. */
  holding(): Promise<Holding[] | undefined>;
  readonly cache: FileCache;
  readonly clock: Clock;
  readonly timings: Timings;
  /** Before the first query: with several hosts, chooses the primary. */
  findPrimary(): Promise<void>;
  /**
   * Finds what would keep a daemon from working with this configuration: the database, the rights, the queue
   * tables, notifications, the root. It only reads, and ignores problems that a daemon can work with; `check`
   * reports those.
   */
  problems(): Promise<string[]>;
  /** `listen_for`, as it is now. */
  channels(): Promise<ChannelBinding[]>;
  listenTo(channels: readonly ChannelBinding[]): Listen;
  /** The reports of daemons about themselves. */
  daemons(observe: Observe): DaemonRegistry;
  /** A lock for work that only one session at a time may do on the whole database. */
  lock(what: 'drain'): Promise<Lock>;
  /** The caches. They follow the log when root is known to be the cache, which the caller must examine: `root`. */
  context(observe: Observe, using?: Workers): OpenedCaches;
  /**
   * Closes connections and ends the workers. May be called at any time and more than once: later requests
   * fail.
   */
  close(): Promise<void>;
}

/** A configuration whose handlers are valid, too. Throws a UsageError with every problem. */
export function loadAll(file: string): Loaded & { handlers: Map<string, Handler> } {
  const loaded = load(file);
  const { handlers, problems } = readHandlers(
    loaded.configuration.handlers,
    sectionsOf(loaded.configuration),
  );
  if (problems.length > 0) throw new UsageError(problems.map((problem) => `${file}: ${problem}`));
  return { ...loaded, handlers };
}

interface Outside {
  /** One for every app of a process, so that no command runs twice at once. */
  readonly run?: RunCommand;
  readonly timings?: Timings;
  readonly startWorker?: StartWorker;
  readonly clock?: Clock;
  readonly pools?: typeof openPools;
  /** Connections, for what only looks; a daemon needs more (postgres/connection-count.ts). */
  readonly most?: number;
}

export function openApp(
  { configuration, handlers, disabled, install }: ReturnType<typeof loadAll>,
  {
    timings = usualTimings,
    run = commandRunner(timings.commandMs),
    startWorker = startWorkerProcess,
    clock = systemClock,
    pools = openPools,
    most,
  }: Outside = {},
): App {
  // Names this process among the daemons on the database, in its sessions and as the owner of consumers.
  const owner = randomBytes(8).toString('hex');
  const connections = connectionConfigs(configuration.database, { owner, timings: timings.database });
  const hosts = openHosts(connections, timings.database);
  const named = [...handlers.values()].flatMap(({ name, queue }) =>
    queue === undefined ? [] : [{ handler: name, queue }],
  );
  const queueNames = named.map(({ queue }) => queue);
  const { pool, claims, asking, end } = pools(hosts, { queues: named.length, most });
  const user = hosts.current().user ?? '';
  const log = openLog(pool);
  const fronts = frontsOf(handlers.values());
  const cache = openCache(configuration.cache.root, startWorker, {
    listing: configuration.daemon.log === 'debug',
    fronts,
    ...timings.worker,
  });
  const zones: ZoneFiles[] = [];
  const openZone: OpenZone = (zone) => {
    const files = zoneOpener(startWorker, timings.worker)(zone);
    zones.push(files);
    return files;
  };
  const shared = openSharing(claims, named);
  const queues = new Map(
    [...handlers.values()].flatMap(({ name: handler, queue, columns, required }) =>
      queue === undefined
        ? []
        : [[handler, openQueue(claims, { handler, queue, columns, required, user, owner, shared })] as const],
    ),
  );

  const disabledQueues = new Map(
    [...disabled].flatMap(([handler, { queue }]) =>
      queue === undefined
        ? []
        : [[handler, openQueue(claims, { handler, queue, columns: [], user, owner })] as const],
    ),
  );

  async function databaseProblems(): Promise<string[]> {
    try {
      await hosts.findPrimary();
      const problems = await inspectSchema(pool, user, install);
      for (const { queue, required, expand } of handlers.values()) {
        if (queue !== undefined) problems.push(...(await inspectQueue(pool, queue, required, user)));
        if (expand) problems.push(...(await expandProblems(pool, expand, user)).problems);
      }
      problems.push(...(await sharedQueues(pool, named)).map(({ problem }) => problem));
      if (configuration.daemon.listens && !(await canReceive(pool, hosts)))
        problems.push(`${describeConnection(hosts.current())}: a test notification did not arrive`);
      return problems;
    } catch (error) {
      return [explain(toError(error))];
    }
  }

  let closed: Promise<unknown> | undefined;

  return {
    owner,
    configuration,
    database: () => describeServer(hosts.current()),
    handlers,
    disabled,
    queues,
    disabledQueues,
    log,
    holding: () => listHolding(pool),
    cache,
    clock,
    timings,
    daemons: (observe) =>
      openDaemonTable({
        pool,
        owner,
        silentMs: configuration.daemon.heartbeatMs * timings.missedHeartbeats,
        onMissing: (text) => observe({ kind: 'notice', text }),
      }),
    channels: () => readChannels(pool),
    async problems() {
      const [database, root] = await Promise.all([databaseProblems(), rootProblem(configuration.cache.root)]);
      return root === undefined ? database : [...database, root];
    },
    findPrimary: hosts.findPrimary,
    listenTo: (channels) => async (onNotification) => {
      await hosts.findPrimary();
      if (!configuration.daemon.listens) return pollInstead(pool);
      const names = [channelsChanged, retryAsked, logGrown, ...usableBindings(channels).flatMap(channelsOf)];
      return listen(hosts, pool, names, onNotification);
    },
    lock: (what) => tryLock(hosts.current(), what),
    context: (observe, using = cache) =>
      openCaches({
        configuration,
        handlers,
        pool,
        owner,
        log,
        run,
        timings,
        clock,
        observe,
        files: using,
        dependents: openDependents(asking, user),
        openZone,
        markers: rootMarkers(configuration.cache.root, fronts, using, timings.root),
        roots: openRoots({
          pool,
          queues: queueNames,
          onMissing: (text) => observe({ kind: 'notice', text }),
        }),
      }),
    async close() {
      closed ??= Promise.all([end(), cache.close(), ...zones.map((zone) => zone.close())]);
      await closed;
    },
  };
}
