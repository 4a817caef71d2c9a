import { commandRunner } from './caches/command/command.ts';
import { frontsOf } from './caches/files/files-steps.ts';
import type { Handler } from './clearing/handler.ts';
import type { Configuration } from './config/typed-configuration.ts';
import {
  type ChannelBinding,
  type Clock,
  channelsChanged,
  channelsOf,
  logGrown,
  retryAsked,
  usableBindings,
} from './core/contracts.ts';
import { explain, isOutage, toError } from './core/errors.ts';
import type { Observe } from './core/events.ts';
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
import type { LoadedAll } from './load-all.ts';
import { type OpenedCaches, openCaches } from './open-caches.ts';
import { type Database, type DatabaseOutside, openDatabase } from './open-database.ts';
import { openDependents } from './postgres/ask-dependents.ts';
import { readChannels } from './postgres/channels.ts';
import { describeConnection, describeServer } from './postgres/connection.ts';
import { expandProblems } from './postgres/expand-inspection.ts';
import { inspectQueue, inspectSchema } from './postgres/inspections.ts';
import { canReceive, listen } from './postgres/listener.ts';
import { type Lock, tryLock } from './postgres/lock.ts';
import { pollInstead } from './postgres/polling.ts';
import { openRoots } from './postgres/roots.ts';
import { sharedQueues } from './postgres/shared-queues.ts';

/** What clears, and what else works on root. */
export type Workers = Pick<FileCache, 'clear' | 'close' | 'ask' | 'silent'>;

/** Everything wired together for one configuration. The command line and the tests build the same value. */
export interface App
  extends Pick<Database, 'owner' | 'queues' | 'disabledQueues' | 'log' | 'holding' | 'daemons'> {
  readonly configuration: Configuration;
  /** Its name, and the server in use. */
  database(): string;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly disabled: LoadedAll['disabled'];
  readonly cache: FileCache;
  readonly clock: Clock;
  readonly timings: Timings;
  /** Before the first query: with several hosts, chooses the primary. */
  findPrimary(): Promise<void>;
  /**
   * Finds what would keep a daemon from working with this configuration: the database, the rights, the queue
   * tables, notifications, the root. It only reads, and ignores problems that a daemon can work with; `check`
   * reports those. Throws if nothing is wrong but that the database is away.
   */
  problems(): Promise<string[]>;
  /** `listen_for`, as it is now. */
  channels(): Promise<ChannelBinding[]>;
  listenTo(channels: readonly ChannelBinding[]): Listen;
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

interface Outside extends DatabaseOutside {
  /** One for every app of a process, so that no command runs twice at once. */
  readonly run?: RunCommand;
  readonly startWorker?: StartWorker;
  readonly clock?: Clock;
}

export function openApp(
  loaded: LoadedAll,
  {
    timings = usualTimings,
    run = commandRunner(timings.commandMs),
    startWorker = startWorkerProcess,
    clock = systemClock,
    pools,
    most,
  }: Outside = {},
): App {
  const { configuration, handlers, disabled, install } = loaded;
  const database = openDatabase(loaded, { timings, pools, most });
  const { owner, user, hosts, pool, named, queues, disabledQueues, log, holding, daemons } = database;
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
  async function databaseProblems(): Promise<string[]> {
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
    holding,
    cache,
    clock,
    timings,
    daemons,
    channels: () => readChannels(pool),
    async problems() {
      const [inDatabase, root] = await Promise.all([
        databaseProblems().catch(toError),
        rootProblem(configuration.cache.root),
      ]);
      if (inDatabase instanceof Error) {
        if (root === undefined && isOutage(inDatabase)) throw inDatabase;
        return [explain(inDatabase), ...(root === undefined ? [] : [root])];
      }
      return root === undefined ? inDatabase : [...inDatabase, root];
    },
    findPrimary: hosts.findPrimary,
    listenTo: (channels) => async (onNotification) => {
      await hosts.findPrimary();
      if (!configuration.daemon.listens) return pollInstead(hosts, pool);
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
        dependents: openDependents(database.asking, user),
        openZone,
        markers: rootMarkers(configuration.cache.root, fronts, using, {
          ...timings.root,
          zones: configuration.zones.map(({ path }) => path),
        }),
        roots: openRoots({
          pool,
          queues: named.map(({ queue }) => queue),
          onMissing: (text) => observe({ kind: 'notice', text }),
        }),
      }),
    async close() {
      closed ??= Promise.all([database.end(), cache.close(), ...zones.map((zone) => zone.close())]);
      await closed;
    },
  };
}
