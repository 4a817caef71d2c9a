import { hostname } from 'node:os';
import type { Clock } from '../core/contracts.ts';
import type { DaemonIdentity, HandlerStatus, Problem, Status, StatusSource } from '../core/daemon-status.ts';
import { usualThresholds } from '../core/daemon-status.ts';
import { formatDuration } from '../core/duration.ts';
import type { Event, Report } from '../core/events.ts';
import { usualTimings } from '../core/timings.ts';
import { assessOthers, lastingOthers } from './assess-consumers.ts';
import { assessHolding } from './assess-holding.ts';
import type { CountSource } from './count-handlers.ts';
import { CountedProblems } from './counted-problems.ts';
import { CachedCounts, type Counts } from './counts.ts';
import { assess, levelOf, worstFirst } from './health.ts';
import { History } from './history.ts';
import type { Metrics } from './metrics.ts';
import { Problems } from './problems.ts';
import { keptClearings, Totals } from './totals.ts';
import { UnknownAges } from './unknown-ages.ts';

export interface Monitor extends StatusSource {
  /** Sets which daemon it is, from now on. */
  identify(identity: () => DaemonIdentity): void;
  /** Counts for /metrics from now on: if called before the first event, it misses none. */
  expose(): Promise<void>;
  /** What the log shows. */
  readonly observe: Report;
  /** Every event, each time, including those that the log reports only once. */
  readonly notice: Report;
  /** The problems that cannot be seen in the database. */
  problems(): Problem[];
  /** Resolves when these may have changed, other than by time. */
  changed(): Promise<void>;
  /** Whether time alone may change them, for example to critical. */
  lasting(): boolean;
  /**
   * Counts these for the plots, and on request, until the signal aborts; reports what only the counts show.
   */
  keepCounting(source: CountSource, signal: AbortSignal, tell?: Report): Promise<void>;
}

/**
 * Keeps the numbers for as long as the daemon lives, over every reload: those from events, and the counts
 * from the database.
 */
export function openMonitor(
  version: string,
  clock: Clock,
  { wall = Date.now, timings = usualTimings.reporting.counts } = {},
): Monitor {
  const numbers = new Totals(clock.now, wall);
  const history = new History(timings.sampleMs);
  let metrics: Metrics | undefined;
  const named = new Set<string>();
  let stir = () => {};
  let change = Promise.resolve();
  const known = new Problems(clock.now, changed);
  const ageless = new UnknownAges();
  const tellCounted = new CountedProblems();
  let tell: Report = () => {};
  let counted: Counts | undefined;
  const counting = new CachedCounts(clock, timings);
  const startedAt = wall();
  let ownOwner: string | undefined;
  let identity = (): DaemonIdentity => ({
    host: hostname(),
    pid: process.pid,
    configurationFile: '',
    root: '',
    database: '',
  });
  const { criticalMs } = usualThresholds;

  async function status(): Promise<Status> {
    await counting.fresh();
    take();
    const now = clock.now();
    const { heardAt, reconnects, clearings } = numbers;
    const handlers = ageless.judge(counted?.handlers ?? []);
    const problems = [
      ...experienced(),
      ...uncounted(),
      ...assess(handlers, usualThresholds),
      ...ofConsumers(),
    ];
    return {
      version,
      daemon: identity(),
      startedAt,
      at: wall(),
      health: levelOf(problems),
      problems: worstFirst(withoutTwins(problems)),
      listening: known.listening,
      heartbeatAgeMs: heardAt === undefined ? null : now - heardAt,
      reconnects,
      countsAgeMs: counted ? now - counted.at : null,
      handlers: handlers.map((one) => ({
        ...one,
        problem:
          problems.find((other) => other.kind === 'handler' && other.handler === one.handler)?.text ??
          one.problem,
        lagMs: counting.error === undefined ? one.lagMs : null,
        ...numbers.totals(one.handler),
      })),
      consumers: counted?.consumers ?? [],
      holding: counted?.holding ?? null,
      clearings: [...clearings],
      failingRows: counted?.failing ?? [],
      thresholds: usualThresholds,
    };
  }

  function ofConsumers(): Problem[] {
    return [
      ...assessOthers(counted?.consumers ?? [], usualThresholds, ownOwner),
      ...assessHolding(counted?.holding ?? [], usualThresholds),
    ];
  }

  function take(): void {
    if (counting.last === counted || counting.last === undefined) return;
    counted = counting.last;
    ageless.counted(counted.handlers, counted.at);
    const handlers = ageless.judge(counted.handlers);
    const others = lastingOthers(counted.consumers, usualThresholds, ownOwner);
    tellCounted.log([...assess(handlers, usualThresholds), ...others], known.list(criticalMs), tell);
    changed();
  }

  function changed(): void {
    stir();
    change = new Promise((resolve) => {
      stir = resolve;
    });
  }

  function problems(): Problem[] {
    take();
    const waiting = ageless.judge(counted?.handlers ?? []);
    const unaged = assess(waiting, usualThresholds).filter(({ kind }) => kind === 'backlog');
    return withoutTwins([...experienced(), ...unaged]);
  }

  /** Rows may have been discarded by hand since, which is not an event. */
  function experienced(): Problem[] {
    const handlers = counted?.handlers ?? [];
    const having = (rows: (one: HandlerStatus) => number) =>
      new Set(handlers.flatMap((one) => (rows(one) > 0 ? one.handler : [])));
    const left = {
      failing: having(({ failing }) => failing),
      // Until a row with an invalid key has settled, it is counted as settling.
      invalid: having(({ claimed, settling, failing, invalid }) => claimed + settling + failing + invalid),
    };
    return known.list(
      criticalMs,
      ({ kind, handler = '' }, since) =>
        (kind === 'failing' || kind === 'invalid') &&
        since < (counted?.since ?? 0) &&
        !left[kind].has(handler),
    );
  }

  /** While nothing can be counted the lag is unknown: it may be as long as that lasts. */
  function uncounted(): Problem[] {
    const { last, error } = counting;
    const age = clock.now() - (last?.at ?? 0);
    const level = age >= criticalMs ? 'critical' : 'warning';
    if (error !== undefined) return [{ level, kind: 'database', text: `cannot count: ${error}` }];
    if (!last) return [{ level: 'warning', kind: 'database', text: 'nothing has been counted yet' }];
    if (age < criticalMs) return last.problems.slice();
    return [{ level, kind: 'database', text: `the last count is ${formatDuration(age)} old` }];
  }

  /** The metrics library takes 30 ms of processor and 3 MB, which a daemon without [http] saves. */
  async function exposed(): Promise<Metrics> {
    const { openMetrics } = await import('./metrics.ts');
    if (metrics) return metrics;
    metrics = openMetrics(version);
    metrics.know(named);
    return metrics;
  }

  return {
    async expose() {
      await exposed();
    },
    identify(given) {
      identity = given;
    },
    status,
    metrics: async () => (await exposed()).text(await status()),
    history: (after) => history.since(after),
    problems,
    changed: () => change,
    lasting: () => problems().length > 0,
    observe(event) {
      numbers.observe(event);
      history.observe(event);
      metrics?.observe(event);
      ageless.observe(event);
      known.observe(event);
    },
    notice: (event: Event) => known.notice(event),
    async keepCounting(source, signal, observe = () => {}) {
      tell = observe;
      ownOwner = source.owner;
      counting.begin(source);
      // At once: a count that fails because the connections are closed would be reported as a problem.
      signal.addEventListener('abort', () => counting.end(source), { once: true });
      for (const handler of source.handlers.keys()) named.add(handler);
      metrics?.know(named);
      // Only the page shows them: without them it says less.
      source.log.recentClearings(keptClearings).then(
        (earlier) => numbers.recall(earlier),
        () => {},
      );
      while (!signal.aborted) {
        await counting.fresh();
        take();
        const handlers = counting.error === undefined ? counted?.handlers : undefined;
        history.end(wall(), handlers);
        await clock.wait(timings.sampleMs, signal).catch(() => {});
      }
      counting.end(source);
    },
  };
}

/** Some problems are found by a claim or an event, and also by a count: the first one says more. */
function withoutTwins(problems: readonly Problem[]): Problem[] {
  return problems.filter(
    ({ kind, handler }, at) =>
      !['handler', 'invalid'].includes(kind) ||
      problems.findIndex((other) => other.kind === kind && other.handler === handler) === at,
  );
}
