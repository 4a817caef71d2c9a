import type { Reason } from '../clearing/reasons.ts';
import { formatDuration } from '../config/values.ts';
import type { QueuedKey, WaitingRow } from '../postgres/waiting.ts';
import type { Account } from './account.ts';
import { formatAge } from './age.ts';
import { keyInWords } from './key.ts';
import { type Place, placeInWords } from './place.ts';
import { verdict } from './verdict.ts';

export function inWords(
  place: Place,
  accounts: readonly Account[],
  { settleMs, now }: { settleMs: number; now: number },
): string {
  const parts = [
    placeInWords(place, now),
    ...accounts.map((account) => accountInWords(account, settleMs)),
    verdict(place, accounts),
  ];
  return `${parts.join('\n\n')}\n`;
}

function accountInWords({ handler, reasons, channels, queued, rows }: Account, settleMs: number): string {
  const facts: [string, string][] = [
    ...reasons.flatMap(reasonInWords),
    ['channel', channels.join(', ') || `none: no row of listen_for has the script_name ${handler.name}`],
    ...(queued ? [['queue', queueInWords(queued)] as [string, string]] : []),
    ...journalInWords(rows, settleMs),
  ];
  return [handler.name, ...facts.map(([title, text]) => `  ${title.padEnd(titleWidth)}${text}`)].join('\n');
}

const titleWidth = 10;

function reasonInWords({ template, follower, guesses, more }: Reason): [string, string][] {
  const after = follower === undefined ? '' : ` of ${follower}, once after each batch`;
  const keys = template.columns.length === 0 ? [] : guesses;
  return [
    ['template', `${template.text}${after}`],
    ...(keys.length === 0 ? [['key', 'any'] as [string, string]] : []),
    ...keys.map(({ key, loose }): [string, string] => [
      'key',
      [keyInWords(key), ...Object.values(loose)].join(' '),
    ]),
    ...(more ? [['', 'and more keys than were looked for'] as [string, string]] : []),
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

function journalInWords(rows: readonly WaitingRow[], settleMs: number): [string, string][] {
  if (rows.length === 0) return [['journal', 'no row that names it']];
  const shown = rows
    .slice(0, shownRows)
    .map((row): [string, string] => ['journal', rowInWords(row, settleMs)]);
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
