import type { Measured } from './measure.ts';
import type { Section } from './options.ts';
import { quantile } from './statistics.ts';

/** A quantity of which less is better, measured of two builds. */
export interface Comparison {
  readonly section: Section;
  readonly what: string;
  /** That of this build to that of the build before, one a round: above 1 it is worse. */
  readonly ratios: readonly number[];
}

/**
 * What `--against` compares. p99 and the longest waits are not compared: from round to round they vary by more than any
 * limit that would be of use.
 */
export function compare(measured: Measured): Comparison[] {
  const { memory, disk, drain, latency, loaded, eventWal, storm, growth = [], idle, starts } = measured;
  const p50 = (block: readonly number[]) => quantile(block, 0.5);
  return [
    ...of('memory', memory, { 'pages gone': goneMs, settled: settledMs, CPU: cpuMs }),
    ...of('disk', disk, { 'pages gone': goneMs, settled: settledMs, CPU: cpuMs }),
    ...of('drain', drain, { 'from start to end': goneMs }),
    ...of('latency', latency, { p50 }),
    ...of('latency', withKey(latency), { 'p50 with a key': p50 }),
    ...of('loaded', loaded, { p50 }),
    ...of('loaded', withKey(loaded), { 'p50 with a key': p50 }),
    ...of('event-wal', eventWal, { bytes: (bytes: number) => bytes }),
    ...of('storm', storm, { CPU: cpuMs }),
    ...growth
      .filter(({ rows }) => rows >= 10_000)
      .flatMap((runs) =>
        of('growth', runs, named(runs.rows, { settled: settledMs, CPU: cpuMs, peak: peakMiB })),
      ),
    ...of('idle', idle, { CPU: ({ part }) => part, memory: ({ residentMiB }) => residentMiB }),
    ...of('start', pair(starts, '--version'), { '--version': (ms: number) => ms }),
    ...of('start', pair(starts, 'status'), { status: (ms: number) => ms }),
  ];
}

interface Pair<Run> {
  readonly uncached?: readonly Run[];
  readonly before?: readonly Run[];
}

function of<Run>(
  section: Section,
  { uncached = [], before = [] }: Pair<Run> = {},
  values: Readonly<Record<string, (run: Run) => number>>,
): Comparison[] {
  return Object.entries(values)
    .map(([what, value]) => ({
      section,
      what,
      ratios: uncached.slice(0, before.length).map((run, round) => value(run) / value(before[round] as Run)),
    }))
    .filter(({ ratios }) => ratios.length > 0);
}

function withKey(block: Measured['latency']): Pair<number[]> {
  return { uncached: block?.['with a key'] ?? [], before: block?.['before, with a key'] ?? [] };
}

function pair(starts: Measured['starts'], command: '--version' | 'status'): Pair<number> {
  return { uncached: starts?.[command] ?? [], before: starts?.[`${command}, before`] ?? [] };
}

function named<Value>(rows: number, values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([what, value]) => [`${rows} rows, ${what}`, value]));
}

const goneMs = (run: { goneMs: number }) => run.goneMs;
const settledMs = (run: { settledMs?: number }) => run.settledMs ?? Number.NaN;
const cpuMs = (run: { cpuMs?: number }) => run.cpuMs ?? Number.NaN;
const peakMiB = (run: { peakMiB?: number }) => run.peakMiB ?? Number.NaN;
