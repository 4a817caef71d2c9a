import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { cacheKinds, type Outside, stepsOf } from './cache-kinds.ts';
import { RootGuard } from './caches/files/root-guard.ts';
import { verifiedCache } from './caches/files/verified-cache.ts';
import { ClaimsUnderWay } from './clearing/claims-under-way.ts';
import { Consumer } from './clearing/consumer.ts';
import type { ClaimContext } from './clearing/drain-queue.ts';
import { askedBy } from './clearing/expand.ts';
import type { Handler } from './clearing/handler.ts';
import { LocalConsumers } from './clearing/local-consumers.ts';
import { Members } from './clearing/members.ts';
import { Orphans } from './clearing/orphans.ts';
import { type Configuration, sectionsOf } from './config/typed-configuration.ts';
import type { ConsumerLog, Log } from './core/consumer-contract.ts';
import type { Clock } from './core/contracts.ts';
import type { AskDependents } from './core/dependents.ts';
import type { Observe } from './core/events.ts';
import { innerFirst } from './core/layers.ts';
import type { PageFiles } from './core/page-files.ts';
import type { Markers, Roots } from './core/root.ts';
import type { RunCommand } from './core/run-command.ts';
import type { Step, TargetCache } from './core/target-cache.ts';
import type { Timings } from './core/timings.ts';
import { version } from './core/version.ts';
import type { OpenZone } from './core/zone-files.ts';
import { patternCovers } from './filesystem/match.ts';
import { type ConsumerLogOptions, openConsumerLog } from './postgres/consumer-log.ts';
import { forgetOthers, releaseConsumers, reportSeen } from './postgres/consumer-table.ts';
import type { Pool } from './postgres/pool.ts';

interface CacheParts {
  readonly configuration: Configuration;
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly pool: Pool;
  readonly owner: string;
  readonly log: Log;
  readonly run: RunCommand;
  readonly files: PageFiles;
  readonly dependents: AskDependents;
  readonly openZone: OpenZone;
  readonly markers: Markers;
  readonly roots: Roots;
  readonly clock: Clock;
  readonly observe: Observe;
  readonly timings: Timings;
}

export interface OpenedCaches extends ClaimContext {
  readonly root: RootGuard;
  readonly timings: Timings;
  /** The ids of the consumers, once root is known. */
  ids(): string[];
  /**
   * Tells the fleet that the consumers of this daemon are alive, and what their problem is. `becameFirst`: from now on
   * it claims at once (claimsAtOnce), and did not before.
   */
  report(): Promise<{ becameFirst: boolean }>;
  /** Other daemons may have the consumers of this one. */
  release(): Promise<void>;
}

/** Opens every cache of the configuration as a consumer of the log. */
export function openCaches(parts: CacheParts): OpenedCaches {
  const { configuration, handlers, log, clock, observe, timings, roots, markers, files } = parts;
  const claims = new ClaimsUnderWay();
  /** Until the others are known. */
  let isFirst = true;
  const opened: {
    consumer: Consumer;
    cache: TargetCache;
    log: ConsumerLog;
    section: string;
    id: () => string;
    /** The sections that it stands behind: not only the next one. */
    inner: readonly string[];
  }[] = [];
  const members: Members = new Members(
    () => opened,
    (how) =>
      forgetOthers(parts.pool, {
        owner: parts.owner,
        root: members.rootId,
        ids: opened.map(({ id }) => id()),
        ...how,
      }),
  );
  const root: RootGuard = new RootGuard({
    markers,
    roots,
    members,
    cache: files,
    handlers,
    covers: patternCovers,
    newId: () => randomBytes(8).toString('hex'),
    clock,
    observe,
    timings: timings.root,
    retry: timings.retry,
  });
  const outside = {
    files: verifiedCache(files, root),
    run: parts.run,
    openZone: parts.openZone,
    clock,
    tell: (text: string) => observe({ kind: 'notice', text }),
    observe,
    sections: sectionsOf(configuration),
  };
  for (const { kind, startsEmpty, name, own, cache, section, after } of cachesOf(parts, outside)) {
    const first = opened[0];
    const next = opened.filter((one) => (after === undefined ? one === first : one.section === after));
    const options: ConsumerLogOptions = {
      get id() {
        return first ? `${members.rootId} ${kind} ${name}` : members.rootId;
      },
      kind,
      name,
      node: hostname(),
      place: first ? (cache.place ?? '') : configuration.cache.root,
      pool: parts.pool,
      owner: parts.owner,
      version,
      handlers: [...own.keys()],
      get behind() {
        return opened.filter(({ inner }) => inner.includes(section)).map(({ id }) => id());
      },
      leaseMs: configuration.daemon.heartbeatMs * timings.missedHeartbeats,
      startsEmpty,
      canBeWiped: cache.canBeWiped ?? true,
    };
    const consumerLog = openConsumerLog(options);
    const consumer = new Consumer({
      name: first ? `${kind} ${name}` : kind,
      cache,
      steps: askedBy(own, parts.dependents, observe),
      log: consumerLog,
      claims,
      clock,
      observe,
      timings,
      settleMs: configuration.cache.settleMs,
      batch: configuration.daemon.batch,
      after: next.map(({ consumer }) => consumer),
      wipe: () => (first ? wipe(cache, own.values()) : root.wipeAgain()),
      onLost: () => root.lost(),
      ...(!first && { orphans: new Orphans({ failing: consumerLog.failing, observe }) }),
    });
    opened.push({
      consumer,
      cache,
      log: consumerLog,
      section,
      id: () => options.id,
      inner: next.flatMap((one) => [one.section, ...one.inner]),
    });
  }
  const consumers = new LocalConsumers(opened.map(({ consumer }) => consumer));
  return {
    claimsAtOnce: () => isFirst && !root.standsBy,
    consumers,
    claims,
    log,
    clock,
    observe,
    root,
    timings,
    ids: () => opened.map(({ id }) => id()),
    async report() {
      const following = opened.filter(({ consumer }) => consumer.isFollowing);
      const seen = following.map(({ consumer, cache, id }) => ({
        id: id(),
        clearedTo: consumer.clearedTo,
        problem: root.problem?.message ?? cache.problem ?? null,
      }));
      const leaseMs = configuration.daemon.heartbeatMs * timings.missedHeartbeats;
      const { lost, first } = await reportSeen(parts.pool, { owner: parts.owner, leaseMs }, seen);
      const was = isFirst;
      isFirst = first === parts.owner || first === null;
      if (lost.length > 0) root.lost();
      return { becameFirst: isFirst && !was };
    },
    release: () => releaseConsumers(parts.pool, parts.owner),
  };
}

/** Every cache of the configuration, each behind those that it stands after. */
function cachesOf({ handlers }: CacheParts, outside: Outside) {
  const made = cacheKinds.flatMap(({ kind, startsEmpty, always, open }) =>
    Array.from(stepsOf(handlers.values(), { kind, always: always(outside.sections) }), ([name, own]) => {
      const cache = open(outside, name);
      const { section = `${kind}.${name}`, after } = cache.layer ?? {};
      return { kind, startsEmpty, name, own, cache, section, after };
    }),
  );
  return innerFirst(made);
}

/** Clears all of a cache, or whatever these steps can name. */
async function wipe(cache: TargetCache, steps: Iterable<Step>): Promise<void> {
  if (cache.wipe) return cache.wipe();
  const works = [...steps].flatMap(({ plans, shared }) => [
    ...plans.flatMap(({ everything }) => everything),
    ...shared,
  ]);
  const { failures } = await cache.clear(new Set(works));
  const [first] = failures;
  if (first) throw new Error(first.error);
}
