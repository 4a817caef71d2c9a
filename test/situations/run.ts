import { eventually } from '../faults/eventually.ts';
import { logCell, misjudging, type Row, servedCells, statusCell } from './row.ts';
import { alertOn, likelyAlertOn } from './rules.ts';
import type { Situation } from './situation.ts';
import type { Stand } from './stand.ts';
import { served } from './views.ts';

/** The daemon may need a time-out to notice, and this machine may be busy. */
const patienceMs = 100_000;
const againMs = 200;

/** How long a row must stay the same before it is recorded. */
const stableMs = 2_500;

/**
 * Creates a situation. Resolves with its row as soon as that is the expected one. Without an expected row,
 * resolves when every view shows the colour that it must and nothing changes any more.
 */
export async function tell(situation: Situation, stand: Stand, expected: Row | undefined): Promise<Row> {
  const { log: before } = stand;
  const lines = before.length;
  await situation.cause(stand);
  const from = stand.log === before ? lines : 0;
  let last: Row | undefined;
  let since = performance.now();
  const look = async (): Promise<Row | undefined> => {
    const row = await rowOf(situation, stand, { from, expected });
    if (JSON.stringify(row) !== JSON.stringify(last)) since = performance.now();
    last = row;
    if (expected) return JSON.stringify(row) === JSON.stringify(expected) ? row : undefined;
    return misjudging(situation, row).length === 0 && performance.now() - since >= stableMs ? row : undefined;
  };
  return eventually(
    `told as ${JSON.stringify(expected ?? 'what it is')}`,
    look,
    async () => `${JSON.stringify(last)}\n${lastWords(stand)}`,
    patienceMs,
    againMs,
  );
}

/**
 * The current row. `status` is called only when all other views are as expected, and promtool only after it.
 */
export async function rowOf(
  situation: Situation,
  stand: Stand,
  { from = 0, expected }: { from?: number; expected?: Row | undefined } = {},
): Promise<Row> {
  const seen = await served(stand);
  const cells = servedCells(situation, seen);
  const log = logCell(situation, stand, { from, expected: expected?.log });
  const soFar = { status: expected?.status ?? '', ...cells, log };
  if (expected && JSON.stringify(soFar) !== JSON.stringify(expected))
    return { ...soFar, status: 'not asked yet' };
  const row = { ...soFar, status: statusCell(situation, await stand.status()) };
  // The rules come last, because promtool is slow.
  if (expected && row.status !== expected.status) return row;
  return { ...row, rules: alertOn(seen.metrics) };
}

/** Resolves when every view shows green. */
export async function green(stand: Stand): Promise<void> {
  let last = '';
  await eventually(
    'all well again',
    async () => {
      const { page, readyz, metrics } = await served(stand);
      const alert = likelyAlertOn(metrics);
      last = JSON.stringify({ problems: page?.problems, readyz, alert });
      if (page?.health !== 'ok' || readyz?.code !== 200 || alert !== 'none') return undefined;
      const { code, text } = await stand.status();
      last = text;
      return code === 0 ? true : undefined;
    },
    async () => `${last}\n${lastWords(stand)}`,
    patienceMs,
    againMs,
  );
}

function lastWords({ log }: Stand): string {
  return log
    .slice(-12)
    .map(({ time, event, msg }) => `${time} ${event}: ${msg}`)
    .join('\n');
}
