import { formatTable, short } from './format-table.ts';
import type { Measured } from './measure.ts';
import { median, quantile } from './statistics.ts';

/** Of caches other than page files, and of the programs around the daemon. */
export function cacheTables(measured: Measured): string[] {
  return [
    purgesTable(measured),
    zonesTable(measured),
    memoryCacheTable(measured),
    barrierTable(measured),
    notificationsTable(measured),
    expandTable(measured),
    startsTable(measured),
  ];
}

function purgesTable({ purges }: Measured): string {
  if (!purges) return '';
  const { requests, runs, target } = purges;
  return formatTable(
    [`${requests} pages purged in ${target}`, 'ms', 'pages a second'],
    Object.entries(runs).map(([name, ms]) => [name, short(median(ms)), perSecond(requests, ms)]),
  );
}

const perSecond = (count: number, ms: readonly number[]) => ((count * 1_000) / median(ms)).toFixed(0);

function zonesTable({ zones }: Measured): string {
  if (!zones) return '';
  const scans = Object.entries(zones.scanMs).map(([name, ms]) => [
    `variants of a page among ${zones.scanFiles} files: ${name}`,
    `${short(median(ms))} ms`,
  ]);
  const keys = Object.entries(zones.keyUs).map(([name, us]) => [`a key: ${name}`, `${short(median(us))} µs`]);
  return formatTable([`nginx's disk cache (written by ${zones.writer})`, ''], [...keys, ...scans]);
}

function memoryCacheTable({ memoryCache }: Measured): string {
  if (!memoryCache) return '';
  const { gone, rates } = memoryCache;
  const ms = (times: readonly number[], part: number) => `${short(quantile(times, part))} ms`;
  return formatTable(
    ['memory-cache', ''],
    [
      ['a bare notification: p50', ms(gone.bare, 0.5)],
      ['entry gone: p50', ms(gone.entry, 0.5)],
      ['a bare notification: p99', ms(gone.bare, 0.99)],
      ['entry gone: p99', ms(gone.entry, 0.99)],
      ['a page of 300 links, rendered: requests a second', short(median(rates.rendered))],
      ['the same from memory', short(median(rates.memory))],
      ['the same, 304', short(median(rates.unchanged))],
    ],
  );
}

function barrierTable({ barrier }: Measured): string {
  return formatTable(
    ['a change with the barrier, from its commit', 'p50, ms', 'p99, ms'],
    Object.entries(barrier ?? {}).map(([name, times]) => [
      name,
      ...[0.5, 0.99].map((part) => short(quantile(times, part))),
    ]),
  );
}

function notificationsTable({ notifications = [] }: Measured): string {
  return formatTable(
    ["a transaction's update of as many keys", 'with keys, CPU ms', 'empty payload, CPU ms'],
    notifications.map(({ rows, level, runs, transactions }) => [
      `${rows === 1 ? '1 row' : `${rows} rows`}, ${level}`,
      ...([runs['with keys'], runs.empty] as const).map((ms = []) => short(median(ms) / transactions)),
    ]),
  );
}

function expandTable({ expand }: Measured): string {
  return formatTable(
    ['2,000 pages gone', 'ms'],
    Object.entries(expand ?? {}).map(([name, ms]) => [name, short(median(ms))]),
  );
}

function startsTable({ starts }: Measured): string {
  return formatTable(
    ['from start to end', 'ms'],
    Object.entries(starts ?? {}).map(([name, ms]) => [name, short(median(ms))]),
  );
}
