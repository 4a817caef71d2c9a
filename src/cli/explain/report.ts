import type { Handler } from '../../clearing/handler.ts';
import { formatCall } from '../../core/configuration.ts';
import { formatDuration, writeDuration } from '../../core/duration.ts';
import { several } from '../../core/plural.ts';
import { clip, longestError } from '../../core/printable-text.ts';
import type { PendingRow, QueuedKey } from '../../postgres/pending.ts';
import { formatLastClearing } from './cleared.ts';
import { diagnose } from './diagnosis.ts';
import { formatKey } from './format-key.ts';
import type { TemplateMatch } from './matches.ts';
import { formatPagePath, type PagePath } from './page-path.ts';
import type { PageStatus } from './page-status.ts';

export type Fact = readonly [title: string, text: string];

interface Known {
  readonly accounts: readonly PageStatus[];
  readonly settleMs: number;
}

/** The lines of the report. `known`: what the database said, if it could be read. */
export function formatReport(
  page: PagePath,
  matches: readonly TemplateMatch[],
  known: Known | undefined,
): string[] {
  const end = known ? [diagnose(page, matches, known.accounts)] : [];
  return joinParts([formatPagePath(page), ...formatMatches(matches, known), ...end]);
}

/** Each part after an empty line. */
export function joinParts(parts: readonly (readonly string[])[]): string[] {
  return parts.flatMap((part, at) => (at === 0 ? part : ['', ...part]));
}

/** A part for each handler. */
export function formatMatches(matches: readonly TemplateMatch[], known: Known | undefined): string[][] {
  const handlers = [...new Set(matches.map(({ handler }) => handler))];
  return handlers.map((handler) => {
    const own = matches.filter((one) => one.handler === handler);
    const account = known?.accounts.find((one) => one.handler === handler);
    const facts = [
      ...own.flatMap(formatMatch),
      ...formatExpand(handler),
      ...(account ? formatPageStatus(account, known?.settleMs ?? 0) : []),
    ];
    return formatPart(handler.name, facts);
  });
}

export function formatPart(title: string, facts: readonly Fact[]): string[] {
  return [title, ...facts.map(([name, text]) => `  ${name.padEnd(titleWidth)}${text}`)];
}

const titleWidth = 10;

function formatMatch({ template, follower, candidates, more }: TemplateMatch): Fact[] {
  const after = follower === undefined ? '' : ` of ${follower}, once after each batch`;
  const keys = template.columns.length === 0 ? [] : candidates;
  return [
    // No template of a file begins with a slash, and every url does.
    [template.text.startsWith('/') ? 'url' : 'template', `${template.text}${after}`],
    ...(keys.length === 0 ? [['key', 'any'] as const] : []),
    ...keys.map(
      ({ key, alternatives }): Fact => ['key', [formatKey(key), ...Object.values(alternatives)].join(' ')],
    ),
    ...(more ? [['', 'and more keys, which are not shown'] as const] : []),
  ];
}

/** An entry names the key; the page may be that of a dependent. */
function formatExpand({ expand }: Handler): Fact[] {
  if (!expand) return [];
  return [
    [
      'expand',
      `${formatCall(expand.call)}: entries of other keys clear it, too, where the function returns it,`,
    ],
    ['', 'and which ones do is asked only when they are cleared: below are those of its own key'],
  ];
}

function formatPageStatus({ handler, channels, queued, rows, last }: PageStatus, settleMs: number): Fact[] {
  return [
    ['channel', channels.join(', ') || `none: no row of listen_for has the script_name ${handler.name}`],
    ...(queued ? [['queue', formatQueue(queued)] as const] : []),
    ...formatLog(rows, settleMs),
    ...formatLastClearing(last, handler.columns).map(
      (text, line): Fact => [line === 0 ? 'cleared' : '', text],
    ),
  ];
}

function formatQueue(queued: readonly QueuedKey[]): string {
  const entries = queued.reduce((sum, one) => sum + one.entries, 0);
  if (entries === 0) return 'no entry for it';
  const oldest = queued.reduce((most, { oldestMs }) => Math.max(most, oldestMs ?? Number.NaN), 0);
  const age = Number.isNaN(oldest) ? '' : `, the oldest made ${formatDuration(oldest)} ago`;
  return `${several(entries, 'entry names', 'entries name')} it${age}`;
}

/** A mass enqueue can have thousands of rows that clear news/. */
const shownRows = 5;

function formatLog(rows: readonly PendingRow[], settleMs: number): Fact[] {
  if (rows.length === 0) return [['log', 'no row for it']];
  const shown = rows.slice(0, shownRows).map((row): Fact => ['log', formatRow(row, settleMs)]);
  const others = rows.length - shown.length;
  return others > 0 ? [...shown, ['', `and ${several(others, 'more row')}`]] : shown;
}

function formatRow(
  { id, claimedMs, cleared, attempts, error, retryMs, invalid }: PendingRow,
  settleMs: number,
): string {
  if (error !== null && invalid)
    return `row ${id}: claimed ${formatDuration(claimedMs)} ago, cleared as far as possible, and kept: ${clip(error, longestError)}`;
  if (error !== null && !cleared) {
    const next = retryMs === null || retryMs <= 0 ? 'now' : `in ${formatDuration(retryMs)}`;
    return `row ${id}: failing since it was claimed ${formatDuration(claimedMs)} ago, ${several(attempts, 'try', 'tries')}, next ${next}: ${clip(error, longestError)}`;
  }
  if (!cleared) return `row ${id}: claimed ${formatDuration(claimedMs)} ago, not cleared yet`;
  return `row ${id}: claimed ${formatDuration(claimedMs)} ago and cleared, settling: cleared again ${writeDuration(settleMs)} after the transactions that were open then have ended`;
}
