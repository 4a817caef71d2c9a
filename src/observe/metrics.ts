import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Event } from '../core/events.ts';
import type { HandlerStatus, Status } from '../core/status.ts';

/** Events and counts as Prometheus wants them; doc/metrics.md tells what each is good for. */
export function openMetrics(version: string) {
  const registers = [new Registry()];
  const registry = registers[0] as Registry;
  const gauge = (name: string, help: string) => new Gauge({ name: `uncached_${name}`, help, registers });
  const byHandler = { labelNames: ['handler'], registers } as const;
  const counter = (name: string, help: string) =>
    new Counter({ name: `uncached_${name}`, help, ...byHandler });
  const counted = (name: string, help: string, of: (one: HandlerStatus) => number) => ({
    gauge: new Gauge({ name: `uncached_${name}`, help, ...byHandler }),
    of,
  });

  new Gauge({
    name: 'uncached_build_info',
    help: 'Always 1; the label is the version.',
    labelNames: ['version'],
    registers,
  }).set({ version }, 1);
  const listening = gauge('listening', 'Whether notifications are known to be heard.');
  const heartbeatAge = gauge('heartbeat_age_seconds', 'Since the daemon last heard itself.');
  const countsAge = gauge('counts_age_seconds', 'Since the gauges with a handler were counted.');
  const gauges = [
    counted('backlog_entries', 'Entries in the queue table.', ({ backlog }) => backlog),
    counted('lag_seconds', 'Age of the oldest entry that is not cleared.', ({ lagMs }) => lagMs / 1_000),
    counted('claimed_rows', 'Journal rows that are not cleared yet.', ({ claimed }) => claimed),
    counted('settling_rows', 'Journal rows that wait for the second clearing.', ({ settling }) => settling),
    counted('failing_rows', 'Journal rows that could not be cleared.', ({ failing }) => failing),
  ];

  const reconnects = new Counter({
    name: 'uncached_reconnects_total',
    help: 'Times that it listened anew after it was cut off or deaf.',
    registers,
  });
  const entries = counter('cleared_entries_total', 'Entries cleared.');
  const files = counter(
    'cleared_files_total',
    'Files deleted, by first and second clearings and other tries.',
  );
  const failures = counter('failed_rows_total', 'Journal rows that failed, each once a try.');
  const latency = new Histogram({
    name: 'uncached_commit_to_cleared_seconds',
    help: "From the making of a batch's oldest entry until its files were gone.",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10, 60, 600, 3_600],
    ...byHandler,
  });
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
        case 'tried':
          files.inc({ handler: event.handler }, event.files);
          failures.inc({ handler: event.handler }, event.failures.length);
      }
    },
    async text(status: Status): Promise<{ contentType: string; text: string }> {
      const age = (ms: number | null) => (ms ?? status.at - status.startedAt) / 1_000;
      listening.set(status.deaf === undefined ? 1 : 0);
      heartbeatAge.set(age(status.heartbeatAgeMs));
      countsAge.set(age(status.countedAgeMs));
      reconnects.reset();
      reconnects.inc(status.reconnects);
      for (const { gauge, of } of gauges) {
        gauge.reset();
        for (const one of status.handlers) gauge.set({ handler: one.handler }, of(one));
      }
      return { contentType: registry.contentType, text: await registry.metrics() };
    },
  };
}

/** The three of the daemon itself that every dashboard knows, by their usual names; the default set of the library has gauges called `_total`. */
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
