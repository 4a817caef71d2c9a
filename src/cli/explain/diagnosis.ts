import type { PendingRow } from '../../postgres/pending.ts';
import { formatKey } from './format-key.ts';
import type { TemplateMatch } from './matches.ts';
import type { PagePath } from './page-path.ts';
import type { PageStatus } from './page-status.ts';

/** The conclusion, and what to do: the reader has a stale page and is in a hurry. */
export function diagnose(
  { seen }: { seen: Pick<PagePath['seen'], 'kind'> },
  matches: readonly TemplateMatch[],
  statuses: readonly PageStatus[],
): string[] {
  const all = statuses.flatMap((account) => account.rows);
  const rows = all.filter(({ invalid }) => !invalid);
  const failing = rows.filter(({ error, cleared }) => error !== null && !cleared);
  if (failing.length > 0)
    return [
      `A clearing of it fails. Fix the error shown, usually file permissions, then: ${retryOf(failing)}`,
    ];
  const claimed = rows.some(({ cleared }) => !cleared);
  if (claimed || statuses.some(({ queued }) => (queued?.length ?? 0) > 0))
    return [
      'It waits to be cleared, which takes milliseconds. If it still waits when you ask again, see: uncached status',
    ];
  if (rows.length > 0) {
    return [
      seen.kind === 'nothing'
        ? 'It was cleared a moment ago, and will be once more.'
        : 'It was cleared a moment ago and has been written again since. It will be cleared once more.',
    ];
  }
  const invalid = all.filter((row) => !rows.includes(row));
  if (invalid.length > 0) {
    return [
      'It was cleared when the row was claimed, unless its template was corrected since. The row is kept because a template could make no path of its key.',
      `To clear it again: ${retryOf(invalid)}`,
    ];
  }
  const [expanding] = matches.filter(({ handler }) => handler.expand).map(({ handler }) => handler.name);
  if (expanding !== undefined)
    return [
      `No entry of its own key is waiting. An entry of another key of ${expanding} may be, on which it depends: see uncached status,`,
      `and with that key: uncached clear ${expanding} … --dry-run`,
    ];
  return [
    'No entry for it is waiting: every change committed so far has been cleared.',
    ...(seen.kind === 'nothing' ? [] : formatSettled(matches)),
  ];
}

function retryOf(rows: readonly PendingRow[]): string {
  const ids = rows.slice(0, 5).map(({ id }) => id);
  return `uncached failing retry ${ids.join(' ')}`;
}

/**
 * The log tells no more of what is settled. But a page that exists has not been cleared since it was put in place.
 */
function formatSettled(matches: readonly TemplateMatch[]): string[] {
  const [command] = matches
    .filter(
      ({ follower, handler, template }) =>
        follower === undefined && covers(template.columns, handler.columns),
    )
    .flatMap(({ handler, candidates }) =>
      candidates.map(({ key }) => ['uncached clear', handler.name, formatKey(key)].join(' ').trim()),
    );
  return [
    'It was last cleared before it was put in place: otherwise it would be gone.',
    'If it is stale, no entry came for the change, or its transaction is still open: look at the SQL trigger',
    'and at pg_stat_activity.',
    ...(command === undefined ? [] : [`To clear it by hand: ${command}`]),
  ];
}

function covers(some: readonly string[], all: readonly string[]): boolean {
  return all.every((column) => some.includes(column));
}
