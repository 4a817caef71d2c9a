import { likelyAlertOn } from './rules.ts';
import type { Situation } from './situation.ts';
import type { Stand } from './stand.ts';
import { complaints, type Served } from './views.ts';

/** The output of each view, in the words of the table. */
export type Row = Readonly<Record<(typeof columns)[number], string>>;

export const columns = ['status', 'page', '/readyz', 'rules', 'log'] as const;

const levels = ['OK', 'WARNING', 'CRITICAL'];

export function statusCell({ says }: Situation, { code, text }: { code: number; text: string }) {
  const [line = ''] = text.split('\n');
  return `${levels[code] ?? `exit code ${code}`}: ${says.exec(line)?.[0] ?? `other words: ${line}`}`;
}

export function servedCells(
  { says }: Situation,
  { page, readyz, metrics }: Served,
): Omit<Row, 'status' | 'log'> {
  const isNamed = page?.problems.length === 0 || page?.problems.some(({ text }) => says.test(text));
  return {
    page:
      page === undefined
        ? 'no answer'
        : isNamed
          ? page.health
          : `${page.health}, other words: ${JSON.stringify(page.problems)}`,
    '/readyz': readyz === undefined ? 'no answer' : String(readyz.code),
    rules: likelyAlertOn(metrics),
  };
}

const met = ['database-unavailable', 'loop-failed'];

/**
 * @param from the number of lines before
 * @param expected several lines may name it, and which comes first is random
 */
export function logCell(
  { says, log = says, either }: Situation,
  stand: Stand,
  { from, expected }: { from: number; expected: string | undefined },
): string {
  if (log === null) return 'no daemon';
  const cells = complaints(stand.log.slice(from))
    .filter(({ msg }) => log.test(msg))
    .map(({ level, event }) => {
      const name = either && met.includes(event) ? met.join('` or `') : event;
      return `${level >= 50 ? 'error' : 'warn'} \`${name}\``;
    });
  return cells.find((cell) => cell === expected) ?? cells[0] ?? 'silent';
}

/** The views that are green and must not be, or the other way round. */
export function misjudging({ goesOn, elsewhere, isWell }: Situation, row: Row): string[] {
  const isGreen = {
    status: /^OK/.test(row.status),
    page: /^ok/.test(row.page),
    '/readyz': row['/readyz'] === '200' && !goesOn && !elsewhere,
    rules: row.rules === 'none',
    log: row.log === 'silent',
  };
  return columns.filter((column) => isGreen[column] !== (isWell === true && column !== 'log'));
}
