import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { SeenConsumer } from '../core/consumer-contract.ts';
import type { HandlerStatus, Level, Status } from '../core/daemon-status.ts';
import type { Event } from '../core/events.ts';
import { holdingKinds } from '../core/holding.ts';
import { printable } from '../core/printable-text.ts';
import { longestHeldMs } from './assess-holding.ts';
import { openTargetMetrics } from './count-targets.ts';
import { filesOf } from './files-of.ts';

const levels: readonly Level[] = ['ok', 'warning', 'critical'];

export type Metrics = ReturnType<typeof openMetrics>;

/** Events and counts in the format of Prometheus; doc/metrics.md says what each is good for. */
export function openMetrics(version: string) {
  const registers = [new Registry()];
  const registry = registers[0] as Registry;
  const gauge = (name: string, help: string) => new Gauge({ name: `uncached_${name}`, help, registers });
  const byHandler = { labelNames: ['handler'], registers } as const;
  const counter = (name: string, help: string) =>
    new Counter({ name: `uncached_${name}`, help, ...byHandler });
  const counted = (name: string, help: string, of: (one: HandlerStatus) => number | null) => ({
    gauge: new Gauge({ name: `uncached_${name}`, help, ...byHandler }),
    of,
  });

  new Gauge({
    name: 'uncached_build_info',
    help: 'Always 1; the label is the version.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  const health = gauge('health', '0 OK, 1 warning, 2 critical.');
  const problem = new Gauge({
    name: 'uncached_problem',
    help: 'What is wrong: 1 warning, 2 critical.',
    labelNames: ['kind', 'handler'],
    registers,
  });
  const listening = gauge('listening', 'Whether notifications are known to arrive: 1 yes, 0 no.');
  const heartbeatAge = gauge('heartbeat_age_seconds', 'Time since the last heartbeat.');
  const countsAge = gauge('counts_age_seconds', 'Age of the gauges with the label handler.');
  const gauges = [
    counted('backlog_entries', 'Entries in the queue table.', ({ backlog }) => backlog),
    counted('lag_seconds', 'Age of the oldest entry that is not cleared.', ({ lagMs }) =>
      lagMs === null ? null : lagMs / 1_000,
    ),
    counted('claimed_rows', 'Rows of the log that are not cleared yet.', ({ claimed }) => claimed),
    counted('settling_rows', 'Rows that wait for the second clearing.', ({ settling }) => settling),
    counted('failing_rows', 'Rows that could not be cleared.', ({ failing }) => failing),
    counted('invalid_rows', 'Rows kept because their key is invalid.', ({ invalid }) => invalid),
  ];

  const byConsumer = { labelNames: ['consumer', 'kind', 'name', 'node'], registers } as const;
  const ofConsumer = (name: string, help: string, of: (one: SeenConsumer) => number) => ({
    gauge: new Gauge({ name: `uncached_consumer_${name}`, help, ...byConsumer }),
    of,
  });
  const consumerGauges = [
    ofConsumer('behind_rows', 'Rows of the log that a cache has not cleared.', ({ behind }) => behind),
    ofConsumer(
      'behind_seconds',
      'Age of the oldest entry that a cache has not cleared.',
      ({ lagMs }) => (lagMs ?? 0) / 1_000,
    ),
    ofConsumer('failing_rows', 'Rows that a cache could not clear.', ({ failing }) => failing),
    ofConsumer('seen_age_seconds', "Time since a cache's daemon reported.", ({ seenMs }) => seenMs / 1_000),
    ofConsumer('live', '1 if a cache follows the log, 0 if it is being wiped or has expired.', ({ state }) =>
      state === 'live' ? 1 : 0,
    ),
  ];

  const held = new Gauge({
    name: 'uncached_barrier_held_seconds',
    help: 'How long announcements of changes have been held, by what; +Inf where the barrier does not know something.',
    labelNames: ['by'],
    registers,
  });

  const reconnects = new Counter({
    name: 'uncached_reconnects_total',
    help: 'Times that the listener has reconnected.',
    registers,
  });
  const entries = counter('cleared_entries_total', 'Entries cleared at the first attempt.');
  const files = counter(
    'cleared_files_total',
    'Files deleted, by first and second clearings and by retries.',
  );
  const failures = counter('failed_attempts_total', 'Failed attempts to clear a row.');
  const latency = new Histogram({
    name: 'uncached_commit_to_cleared_seconds',
    help: "From the insertion of a batch's oldest entry until its files were deleted; batches without failures.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 60, 600, 3_600],
    ...byHandler,
  });
  const targets = openTargetMetrics(registers);
  addOwn(registers);

  return {
    /** From the start, so that the first failure is a step from 0 and not a series out of nothing. */
    know(handlers: Iterable<string>): void {
      for (const handler of handlers) {
        for (const one of [entries, files, failures]) one.inc({ handler }, 0);
        latency.zero({ handler });
      }
    },
    observe(event: Event): void {
      switch (event.kind) {
        case 'cleared':
          entries.inc({ handler: event.handler }, event.entries);
          if (event.lagMs !== null) latency.observe({ handler: event.handler }, event.lagMs / 1_000);
          break;
        case 'batch-done':
          for (const [handler, count] of filesOf(event)) files.inc({ handler }, count);
          failures.inc(
            { handler: event.handler },
            event.failures.length + event.invalid.filter(({ known }) => !known).length,
          );
          break;
        default:
          targets.observe(event);
      }
    },
    async text(status: Status): Promise<{ contentType: string; text: string }> {
      const age = (ms: number | null) => (ms ?? status.at - status.startedAt) / 1_000;
      health.set(levels.indexOf(status.health));
      problem.reset();
      // If two have the same kind and handler, the last one set stays: the worse.
      for (const { level, kind, handler = '' } of status.problems.toReversed())
        problem.set({ kind, handler: printable(handler) }, levels.indexOf(level));
      listening.set(status.listening ? 1 : 0);
      heartbeatAge.set(age(status.heartbeatAgeMs));
      countsAge.set(age(status.countsAgeMs));
      reconnects.reset();
      reconnects.inc(status.reconnects);
      for (const { gauge, of } of gauges) {
        gauge.reset();
        for (const one of status.handlers) {
          const value = of(one);
          if (value !== null) gauge.set({ handler: printable(one.handler) }, value);
        }
      }
      for (const { gauge, of } of consumerGauges) {
        gauge.reset();
        for (const one of status.consumers) {
          const { id, kind, name, node } = one;
          const labels = { consumer: id, kind, name, node: node ?? '' };
          const shown = Object.entries(labels).map(([label, text]) => [label, printable(text)]);
          gauge.set(Object.fromEntries(shown), of(one));
        }
      }
      held.reset();
      for (const by of status.holding === null ? [] : holdingKinds)
        held.set({ by }, longestHeldMs(status.holding ?? [], by) / 1_000);
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/**
 * The three process metrics that every dashboard knows, by their usual names; the library's default set has
 * gauges called `_total`.
 */
function addOwn(registers: Registry[]): void {
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Memory in use.',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'process_start_time_seconds',
    help: 'When the daemon started, in seconds since 1970.',
    registers,
  }).set(Math.round(Date.now() / 1_000 - process.uptime()));
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Processor time used.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1_000_000);
    },
  });
}
