import type { Reason } from '../clearing/reasons.ts';
import { formatDuration } from '../config/values.ts';
import type { QueuedKey, WaitingRow } from '../postgres/waiting.ts';
import type { Account } from './account.ts';
import { formatAge } from './age.ts';
import { keyInWords } from './key.ts';
import { type Place, placeInWords } from './place.ts';
import { verdict } from './verdict.ts';

type Fact = readonly [title: string, text: string];

/** `known`: what the database told, if it could be asked. */
export function inWords(
  place: Place,
  reasons: readonly Reason[],
  known: { accounts: readonly Account[]; settleMs: number } | undefined,
): string {
  const handlers = [...new Set(reasons.map(({ handler }) => handler))];
  const parts = handlers.map((handler) => {
    const own = reasons.filter((one) => one.handler === handler);
    const account = known?.accounts.find((one) => one.handler === handler);
    const facts = [
      ...own.flatMap(reasonInWords),
      ...(account ? accountInWords(account, known?.settleMs ?? 0) : []),
    ];
    return [handler.name, ...facts.map(([title, text]) => `  ${title.padEnd(titleWidth)}${text}`)].join('\n');
  });
  const end = known ? [verdict(place, reasons, known.accounts)] : [];
  return `${[placeInWords(place), ...parts, ...end].join('\n\n')}\n`;
}

const titleWidth = 10;

function reasonInWords({ template, follower, guesses, more }: Reason): Fact[] {
  const after = follower === undefined ? '' : ` of ${follower}, once after each batch`;
  const keys = template.columns.length === 0 ? [] : guesses;
  return [
    ['template', `${template.text}${after}`],
    ...(keys.length === 0 ? [['key', 'any'] as const] : []),
    ...keys.map(({ key, loose }): Fact => ['key', [keyInWords(key), ...Object.values(loose)].join(' ')]),
    ...(more ? [['', 'and more keys than were looked for'] as const] : []),
  ];
}

function accountInWords({ handler, channels, queued, rows, cleared }: Account, settleMs: number): Fact[] {
  return [
    ['channel', channels.join(', ') || `none: no row of listen_for has the script_name ${handler.name}`],
    ...(queued ? [['queue', queueInWords(queued)] as const] : []),
    ...journalInWords(rows, settleMs),
    ...(cleared === undefined ? [] : [['cleared', cleared] as const]),
  ];
}

function queueInWords(queued: readonly QueuedKey[]): string {
  const entries = queued.reduce((sum, one) => sum + one.entries, 0);
  if (entries === 0) return 'no entry that names it';
  const oldest = Math.max(...queued.map(({ oldestMs }) => oldestMs ?? Number.NaN));
  const age = Number.isNaN(oldest) ? '' : `, the oldest made ${formatAge(oldest)} ago`;
  return `${entries} ${entries === 1 ? 'entry names' : 'entries name'} it${age}`;
}

/** A mass enqueue can have thousands of rows that clear news/. */
const shownRows = 5;

function journalInWords(rows: readonly WaitingRow[], settleMs: number): Fact[] {
  if (rows.length === 0) return [['journal', 'no row that names it']];
  const shown = rows.slice(0, shownRows).map((row): Fact => ['journal', rowInWords(row, settleMs)]);
  const others = rows.length - shown.length;
  return others > 0 ? [...shown, ['', `and ${others} more rows`]] : shown;
}

function rowInWords(
  { id, claimedMs, clearedMs, attempts, error, retryMs }: WaitingRow,
  settleMs: number,
): string {
  if (error !== null) {
    const next = retryMs === null || retryMs <= 0 ? 'now' : `in ${formatAge(retryMs)}`;
    return `row ${id}: failing since it was claimed ${formatAge(claimedMs)} ago, ${attempts} tries, next ${next}: ${error}`;
  }
  if (clearedMs === null) return `row ${id}: claimed ${formatAge(claimedMs)} ago, not cleared yet`;
  return `row ${id}: cleared ${formatAge(clearedMs)} ago, settling: cleared again ${formatDuration(settleMs)} after the transactions of then have ended`;
}
