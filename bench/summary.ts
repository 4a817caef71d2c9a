import { formatTable, short } from './format-table.ts';
import type { Measured } from './measure.ts';
import { median, quantile } from './statistics.ts';

/** What a site gets, as a table. Without what was not measured. */
export function summarize(measured: Measured): string {
  return formatTable(
    ['', ''],
    [...pageRows(measured), ...loadRows(measured), ...databaseRows(measured), ...otherRows(measured)].filter(
      ([, value = '']) => !/NaN|Infinity/.test(value),
    ),
  );
}

type Row = [string, string];

const rounded = (value: number) =>
  Number.isFinite(value) ? Number(value.toPrecision(2)).toLocaleString('en') : 'NaN';

function pageRows({ latency, loaded, memory, barrier }: Measured): Row[] {
  const ms = (times: readonly number[] = []) =>
    `${rounded(quantile(times, 0.5))} ms, 1 in 100 takes over ${rounded(quantile(times, 0.99))} ms`;
  const pages = (20_368 * 1_000) / median((memory?.uncached ?? []).map(({ goneMs }) => goneMs));
  return [
    [
      'a page is gone after its change was sent, with a key in the notification',
      ms(latency?.['with a key']?.flat()),
    ],
    ['the same without a key', ms(latency?.uncached?.flat())],
    ['the same at 200 changes a second, with a key', ms(loaded?.['with a key']?.flat())],
    ['a change may be announced, after its commit ([barrier.md](barrier.md))', ms(barrier?.announced)],
    ['pages deleted in a backlog', `${rounded(pages)} a second`],
  ];
}

function loadRows({ idle, growth = [], starts }: Measured): Row[] {
  const [rest] = idle?.uncached ?? [];
  const largest = growth.at(-1);
  const peak = median((largest?.uncached ?? []).map(({ peakMiB = Number.NaN }) => peakMiB));
  return [
    [
      'the daemon at rest, all its processes',
      `${rounded(rest?.residentMiB ?? Number.NaN)} MiB, ${short((rest?.part ?? Number.NaN) * 100) || 'NaN'} % of a core`,
    ],
    [
      `the daemon with ${(largest?.rows ?? 0).toLocaleString('en')} entries waiting, at most`,
      `${rounded(peak)} MiB`,
    ],
    ['`uncached status`, as a monitor runs it', `${rounded(median(starts?.status ?? []))} ms`],
  ];
}

function databaseRows({ eventWal, fleet, producers, notifications = [] }: Measured): Row[] {
  const waits = (name: 'draining' | 'at rest') => {
    const times = (producers?.[name] ?? []).flat();
    return `${rounded(quantile(times, 0.5))} ms, 1 in 100 takes over ${rounded(quantile(times, 0.99))} ms`;
  };
  const cpu = notifications.find(({ rows }) => rows === 1);
  const keyed = median(cpu?.runs['with keys'] ?? []) / (cpu?.transactions ?? Number.NaN);
  const wal = median((fleet?.['1 node'] ?? []).map(({ walBytes }) => walBytes));
  return [
    ['an insert into a queue table', waits('at rest')],
    ['the same while 20,000 entries are cleared', waits('draining')],
    [
      'the trigger of a row, all that its transaction costs the server',
      `${rounded(keyed)} ms of the processor`,
    ],
    [
      'write-ahead log of a single change, its insert included',
      `${rounded(median(eventWal?.uncached ?? []))} bytes`,
    ],
    ['write-ahead log of an entry of a backlog', `${rounded(wal)} bytes`],
  ];
}

function otherRows({ purges, zones, memoryCache, expand }: Measured): Row[] {
  const rate = (name: 'uncached' | 'by tags') =>
    `${rounded(((purges?.requests ?? 0) * 1_000) / median(purges?.runs[name] ?? []))} a second`;
  const keys = 1e6 / median(zones?.keyUs.uncached ?? []);
  return [
    [`urls purged over HTTP (${purges?.target})`, rate('uncached')],
    ['pages purged by tags', rate('by tags')],
    ["pages of nginx's disk cache cleared", `${rounded(keys)} a second`],
    [
      'pages that a change of one key clears by `expand`: 2,000 gone',
      `${rounded(median(expand?.['one key'] ?? []))} ms`,
    ],
    ['memory-cache: pages from memory', `${rounded(median(memoryCache?.rates.memory ?? []))} a second`],
  ];
}
