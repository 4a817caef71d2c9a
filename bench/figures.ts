import { type BacklogRun, backlogBatches } from './backlog.ts';
import { cacheFigures } from './cache-figures.ts';
import { atLeast, atMost, type Figure } from './figure.ts';
import type { FleetRun } from './fleet.ts';
import type { Measured } from './measure.ts';
import { median, quantile, ratio } from './statistics.ts';

/** The figures that can be computed from the measurements, in the order of the table. */
export function figuresOf(measured: Measured): Figure[] {
  return [
    ...backlogFigures('in memory', measured.memory, { predecessor: 25, gone: 1.5, settled: 2 }),
    ...backlogFigures('on disk', measured.disk, { predecessor: 15, gone: 1.5 }),
    ...latencyFigures(measured),
    ...growthFigures(measured),
    ...workFigures(measured),
    ...fleetFigures(measured),
    ...otherFigures(measured),
    ...cacheFigures(measured),
  ].filter(({ value }) => Number.isFinite(value));
}

type Bounds = { predecessor: number; gone: number; settled?: number };

function backlogFigures(where: string, runs: Measured['memory'], bounds: Bounds): Figure[] {
  const { uncached = [], predecessor = [], limit = [] } = runs ?? {};
  const gone = (those: readonly BacklogRun[]) => those.map(({ goneMs }) => goneMs);
  const settled = uncached.map(({ settledMs }) => settledMs ?? Number.NaN);
  return [
    atLeast(
      bounds.predecessor,
      `backlog ${where}: faster than the predecessor`,
      ratio(gone(predecessor), gone(uncached)),
    ),
    atMost(bounds.gone, `backlog ${where}: pages gone, of the limit`, ratio(gone(uncached), gone(limit))),
    ...(bounds.settled === undefined
      ? []
      : [atMost(bounds.settled, `backlog ${where}: settled, of the limit`, ratio(settled, gone(limit)))]),
  ];
}

function latencyFigures({ latency, loaded }: Measured): Figure[] {
  const at = (part: number, name: keyof NonNullable<Measured['latency']>, block = latency) =>
    quantile((block?.[name] ?? []).flat(), part);
  const ofBare = (part: number, block = latency) => at(part, 'with a key', block) / at(part, 'bare', block);
  return [
    atMost(1.3, 'single event with a key: p50, of bare NOTIFY and unlink', ofBare(0.5)),
    atMost(3, 'single event with a key: p99, of bare NOTIFY and unlink', ofBare(0.99)),
    atMost(1.5, 'with a key at 200 a second: p50, of bare NOTIFY and unlink', ofBare(0.5, loaded)),
    atMost(3, 'with a key at 200 a second: p99, of bare NOTIFY and unlink', ofBare(0.99, loaded)),
    atMost(
      1.1,
      "single event without a key: p50, of the predecessor's",
      at(0.5, 'uncached') / at(0.5, 'predecessor'),
    ),
    atMost(3, 'single event: p99, of bare NOTIFY and unlink', at(0.99, 'uncached') / at(0.99, 'bare')),
  ];
}

function growthFigures({ growth = [] }: Measured): Figure[] {
  const of = (rows: number) => growth.find((one) => one.rows === rows);
  const perRow = (rows: number) =>
    median((of(rows)?.uncached ?? []).map(({ drainedMs = Number.NaN }) => drainedMs)) / rows;
  const peak = (rows: number) =>
    median((of(rows)?.uncached ?? []).map(({ peakMiB = Number.NaN }) => peakMiB));
  const { uncached = [], limit = [] } = of(1_000_000) ?? {};
  const gone = ({ goneMs }: { goneMs: number }) => goneMs;
  return [
    atMost(1.2, 'cost of a row at 10^6 rows, of that at 10^5', perRow(1_000_000) / perRow(100_000)),
    atMost(40, 'memory at 10^6 rows, beyond that at 10^3', peak(1_000_000) - peak(1_000), 'MiB'),
    atMost(
      4,
      '10^6 rows: pages gone, of deleting their files alone',
      ratio(uncached.map(gone), limit.map(gone)),
    ),
  ];
}

function workFigures({ memory, drain }: Measured): Figure[] {
  const { uncached = [], predecessor = [] } = memory ?? {};
  const cpu = (runs: readonly BacklogRun[]) => runs.map(({ cpuMs = Number.NaN }) => cpuMs);
  const beyond = uncached.map(({ transactions = Number.NaN }) => transactions - 2 * backlogBatches);
  return [
    atLeast(8, "work: CPU a row, the predecessor's of ours", ratio(cpu(predecessor), cpu(uncached))),
    atMost(10, 'work: transactions beyond 2 a batch', median(beyond), ''),
    atLeast(
      3,
      'uncached drain, commits for free: faster than the predecessor',
      ratio(timesOf(drain?.predecessor), timesOf(drain?.uncached)),
    ),
  ];
}

const timesOf = (runs: readonly BacklogRun[] = []) => runs.map(({ goneMs }) => goneMs);

function fleetFigures({ fleet }: Measured): Figure[] {
  const of = (nodes: '1 node' | '8 nodes' | '32 nodes', value: keyof FleetRun) =>
    (fleet?.[nodes] ?? []).map((run) => run[value]);
  return [
    atMost(
      500,
      'write-ahead log of an entry of a backlog, one node',
      median(of('1 node', 'walBytes')),
      'bytes',
    ),
    atMost(
      500,
      'write-ahead log of an entry of a backlog, 32 nodes',
      median(of('32 nodes', 'walBytes')),
      'bytes',
    ),
    atMost(
      1.2,
      '20,000 entries on 8 nodes, of one',
      ratio(of('8 nodes', 'settledMs'), of('1 node', 'settledMs')),
    ),
    atMost(
      2,
      '20,000 entries on 32 nodes, of one',
      ratio(of('32 nodes', 'settledMs'), of('1 node', 'settledMs')),
    ),
    atMost(
      1.3,
      'claim of 1,000 entries, 32 nodes, of one',
      ratio(of('32 nodes', 'claimMs'), of('1 node', 'claimMs')),
    ),
  ];
}

function otherFigures({ producers, storm, idle }: Measured): Figure[] {
  const waits = (producers?.draining ?? []).flat();
  const { uncached: stormy = [], 'in peace': peaceful = [], receiving = [] } = storm ?? {};
  const cpu = ({ cpuMs }: { cpuMs: number }) => cpuMs;
  const beyond = stormy.map(({ cpuMs }, round) => cpuMs - (peaceful[round]?.cpuMs ?? Number.NaN));
  return [
    atMost(5, "a producer's insert while the backlog drains: p99", quantile(waits, 0.99), 'ms'),
    atMost(25, "a producer's insert while the backlog drains: longest", Math.max(...waits), 'ms'),
    atMost(1.5, 'storm of notifications: CPU, of merely receiving it', ratio(beyond, receiving.map(cpu))),
    atMost(0.2, 'at rest: CPU', median((idle?.uncached ?? []).map(({ part }) => part)) * 100, '% of a core'),
    atMost(
      75,
      'at rest: resident memory',
      median((idle?.uncached ?? []).map(({ residentMiB }) => residentMiB)),
      'MiB',
    ),
  ];
}
