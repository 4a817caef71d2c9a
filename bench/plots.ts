import type { Measured } from './measure.ts';
import { median } from './statistics.ts';
import { type Axis, type Line, plot } from './svg.ts';

/** The plots that can be drawn from the measurements, by file name. */
export function plotsOf(measured: Measured): Map<string, string> {
  const plots = new Map<string, string>();
  if (measured.growth) {
    plots.set('performance-time.svg', timePlot(measured.growth));
    plots.set('performance-memory.svg', memoryPlot(measured.growth));
  }
  if (measured.latency) plots.set('performance-latency.svg', latencyPlot(measured.latency));
  return plots;
}

type Growth = NonNullable<Measured['growth']>;

const rowsAxis = (growth: Growth): Axis => ({
  label: 'rows in the queue table',
  marks: growth.map(({ rows }) => rows),
  logarithmic: true,
});

function timePlot(growth: Growth): string {
  const line = (name: string, value: (one: Growth[number]) => number): Line => ({
    name,
    points: growth.map((one) => [one.rows, value(one) / 1_000] as const),
  });
  const of = (runs: Growth[number]['uncached'], value: 'goneMs' | 'drainedMs' | 'settledMs') =>
    median(runs.map((run) => run[value] ?? Number.NaN));
  const lines = [
    line('settled', ({ uncached }) => of(uncached, 'settledMs')),
    line('pages gone', ({ uncached }) => of(uncached, 'goneMs')),
    line('files alone', ({ limit }) => of(limit, 'goneMs')),
  ];
  return plot('Time to clear a backlog', lines, rowsAxis(growth), {
    label: 'seconds',
    marks: decades(lines),
    logarithmic: true,
  });
}

function memoryPlot(growth: Growth): string {
  const points = growth.map(
    ({ rows, uncached }) => [rows, median(uncached.map(({ peakMiB = 0 }) => peakMiB))] as const,
  );
  const most = Math.ceil(Math.max(...points.map(([, peak]) => peak)) / 50) * 50;
  const marks = Array.from({ length: most / 50 + 1 }, (_, index) => index * 50);
  return plot('Memory to clear a backlog', [{ name: 'peak resident', points }], rowsAxis(growth), {
    label: 'MiB',
    marks,
    logarithmic: false,
  });
}

/** How many of a hundred events took at most this long. */
function latencyPlot(latency: NonNullable<Measured['latency']>): string {
  const lines = Object.entries(latency).map(([name, blocks]) => {
    const sorted = blocks.flat().sort((a, b) => a - b);
    const points = Array.from({ length: 100 }, (_, percent) => {
      const at = sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * (percent + 1)) / 100))] ?? 0;
      return [percent + 1, at] as const;
    });
    return { name, points };
  });
  const percents = { label: 'events, %', marks: [0, 25, 50, 75, 90, 100], logarithmic: false };
  return plot('A single event, from sending to page gone', lines, percents, {
    label: 'milliseconds',
    marks: decades(lines),
    logarithmic: true,
  });
}

function decades(lines: readonly Line[]): number[] {
  const values = lines.flatMap(({ points }) => points.map(([, value]) => value)).filter((value) => value > 0);
  const least = Math.floor(Math.log10(Math.min(...values)));
  const most = Math.ceil(Math.log10(Math.max(...values)));
  return Array.from({ length: most - least + 1 }, (_, index) => Number(`1e${least + index}`));
}
