import { type Figure, figuresOf, isKept } from './figures.ts';
import type { Measured } from './main.ts';
import { median, quantile } from './statistics.ts';

/** Ratios come first: absolute times are those of one machine on one day. */
export function toTables(measured: Measured): string {
  return [
    figuresTable(figuresOf(measured)),
    timesTable(measured),
    latencyTable(measured),
    producersTable(measured),
    fleetTable(measured),
    walTable(measured),
    growthTable(measured),
  ]
    .filter((table) => table !== '')
    .join('\n\n');
}

function figuresTable(figures: readonly Figure[]): string {
  return table(
    ['what', 'measured', 'promised', ''],
    figures.map((figure) => {
      const { what, value, bound, unit } = figure;
      const promised = 'atMost' in bound ? `at most ${bound.atMost}` : `at least ${bound.atLeast}`;
      return [what, `${short(value)} ${unit}`.trim(), promised, isKept(figure) ? 'kept' : '**missed**'];
    }),
  );
}

function timesTable({ memory, disk, drain }: Measured): string {
  const rows = Object.entries({ 'in memory': memory, 'on disk': disk, 'commits for free': drain }).flatMap(
    ([where, contestants]) =>
      Object.entries(contestants ?? {}).map(([name, runs]) => {
        const of = (value: (run: (typeof runs)[number]) => number | undefined) =>
          short(median(runs.map((run) => value(run) ?? Number.NaN)));
        return [
          `${name}, ${where}`,
          of(({ goneMs }) => goneMs),
          of(({ settledMs }) => settledMs),
          of(({ cpuMs }) => cpuMs),
          of(({ transactions }) => transactions),
        ];
      }),
  );
  return table(['backlog of 20,798 rows', 'pages gone, ms', 'settled, ms', 'CPU, ms', 'transactions'], rows);
}

function latencyTable({ latency, loaded }: Measured): string {
  const rows = Object.entries({ 'at rest': latency, 'at 200 a second': loaded }).flatMap(
    ([when, contestants]) =>
      Object.entries(contestants ?? {}).map(([name, times]) => [
        `${name}, ${when}`,
        ...[0.5, 0.9, 0.99].map((part) => short(quantile(times.flat(), part))),
      ]),
  );
  return table(['single event', 'p50, ms', 'p90, ms', 'p99, ms'], rows);
}

function producersTable({ producers }: Measured): string {
  const rows = Object.entries(producers ?? {}).map(([name, times]) => [
    name,
    ...[0.5, 0.9, 0.99].map((part) => short(quantile(times.flat(), part))),
    short(Math.max(...times.flat())),
  ]);
  return table(["a producer's insert", 'p50, ms', 'p90, ms', 'p99, ms', 'longest, ms'], rows);
}

function fleetTable({ fleet }: Measured): string {
  return table(
    ['20,000 entries', 'claim of 1,000, ms', 'settled by all, ms', 'write-ahead log of an entry, bytes'],
    Object.entries(fleet ?? {}).map(([name, runs]) => [
      name,
      ...(['claimMs', 'settledMs', 'walBytes'] as const).map((value) =>
        short(median(runs.map((run) => run[value]))),
      ),
    ]),
  );
}

function walTable({ eventWal }: Measured): string {
  return table(
    ['single event', 'write-ahead log, bytes'],
    Object.entries(eventWal ?? {}).map(([name, runs]) => [name, short(median(runs))]),
  );
}

function growthTable({ growth = [] }: Measured): string {
  return table(
    ['rows', 'pages gone, ms', 'cleared once, ms', 'settled, ms', 'files alone, ms', 'peak memory, MiB'],
    growth.flatMap(({ rows, uncached, before, limit }) =>
      Object.entries({ '': uncached, ', before': before }).flatMap(([which, runs]) =>
        runs.length === 0
          ? []
          : [
              [
                `${rows}${which}`,
                short(median(runs.map(({ goneMs }) => goneMs))),
                short(median(runs.map(({ drainedMs = Number.NaN }) => drainedMs))),
                short(median(runs.map(({ settledMs = Number.NaN }) => settledMs))),
                short(median(limit.map(({ goneMs }) => goneMs))),
                short(median(runs.map(({ peakMiB = Number.NaN }) => peakMiB))),
              ],
            ],
      ),
    ),
  );
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return '';
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, column) => (column === 0 ? '---' : '--:'))), ...rows.map(line)].join(
    '\n',
  );
}

function short(value: number): string {
  if (!Number.isFinite(value)) return '';
  return Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(2);
}
