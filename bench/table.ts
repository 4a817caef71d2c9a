import { cacheTables } from './cache-tables.ts';
import { type Figure, isReached } from './figure.ts';
import { figuresOf } from './figures.ts';
import { formatTable, short } from './format-table.ts';
import type { Measured } from './measure.ts';
import { median, quantile } from './statistics.ts';
import { summarize } from './summary.ts';

/** What a site gets, the ratios with their goals, and what they are made of. */
export function toTables(measured: Measured): string {
  return [
    ...titled('What you get', summarize(measured)),
    ...titled('Ratios and goals', figuresTable(figuresOf(measured))),
    ...titled('Times', ...timeTables(measured)),
  ].join('\n\n');
}

function titled(title: string, ...tables: readonly string[]): string[] {
  const some = tables.filter((table) => table !== '');
  return some.length === 0 ? [] : [`### ${title}`, ...some];
}

function timeTables(measured: Measured): string[] {
  return [
    timesTable(measured),
    latencyTable(measured),
    producersTable(measured),
    fleetTable(measured),
    walTable(measured),
    growthTable(measured),
    ...cacheTables(measured),
  ];
}

function figuresTable(figures: readonly Figure[]): string {
  return formatTable(
    ['what', 'measured', 'goal', ''],
    figures.map((figure) => {
      const { what, value, bound, unit } = figure;
      const goal = 'atMost' in bound ? `at most ${bound.atMost}` : `at least ${bound.atLeast}`;
      return [
        what,
        `${short(value, 3)} ${unit}`.trim(),
        goal,
        isReached(figure) ? 'reached' : '**not reached**',
      ];
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
  return formatTable(
    ['backlog of 20,798 rows', 'pages gone, ms', 'settled, ms', 'CPU, ms', 'transactions'],
    rows,
  );
}

function latencyTable({ latency, loaded }: Measured): string {
  const rows = Object.entries({ 'at rest': latency, 'at 200 a second': loaded }).flatMap(
    ([when, contestants]) =>
      Object.entries(contestants ?? {}).map(([name, times]) => [
        `${name}, ${when}`,
        ...[0.5, 0.9, 0.99].map((part) => short(quantile(times.flat(), part))),
      ]),
  );
  return formatTable(['single event', 'p50, ms', 'p90, ms', 'p99, ms'], rows);
}

function producersTable({ producers }: Measured): string {
  const rows = Object.entries(producers ?? {}).map(([name, times]) => [
    name,
    ...[0.5, 0.9, 0.99].map((part) => short(quantile(times.flat(), part))),
    short(Math.max(...times.flat())),
  ]);
  return formatTable(["a producer's insert", 'p50, ms', 'p90, ms', 'p99, ms', 'longest, ms'], rows);
}

function fleetTable({ fleet }: Measured): string {
  return formatTable(
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
  return formatTable(
    ['single event', 'write-ahead log, bytes'],
    Object.entries(eventWal ?? {}).map(([name, runs]) => [name, short(median(runs))]),
  );
}

function growthTable({ growth = [] }: Measured): string {
  return formatTable(
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
