import type { Reason } from '../clearing/reasons.ts';
import type { Account } from './account.ts';
import { keyInWords } from './key.ts';
import type { Place } from './place.ts';

/** What follows from it all, and what to do: the reader has a stale page and is in a hurry. */
export function verdict({ seen }: Place, reasons: readonly Reason[], accounts: readonly Account[]): string {
  const rows = accounts.flatMap((account) => account.rows);
  const failing = rows.filter(({ error }) => error !== null);
  if (failing.length > 0) {
    const ids = failing.slice(0, 5).map(({ id }) => id);
    return `A clearing that names it fails. Mend what the journal says, then: uncached failing retry ${ids.join(' ')}`;
  }
  const claimed = rows.some(({ clearedMs }) => clearedMs === null);
  if (claimed || accounts.some(({ queued }) => (queued?.length ?? 0) > 0))
    return 'It waits to be cleared, which takes milliseconds. Still so when asked again? Then see: uncached status';
  if (rows.length > 0) {
    return seen.kind === 'nothing'
      ? 'It was cleared a moment ago, and will be once more.'
      : 'It was cleared a moment ago and has been written again since. It will be cleared once more.';
  }
  return [
    'Nothing that names it waits: whatever was committed for it until now has been cleared.',
    ...(seen.kind === 'nothing' ? [] : settledInWords(reasons)),
  ].join('\n');
}

/** The journal forgets what is settled. But a page that stands has seen no clearing since it was put in place. */
function settledInWords(reasons: readonly Reason[]): string[] {
  const [command] = reasons
    .filter(
      ({ follower, handler, template }) =>
        follower === undefined && covers(template.columns, handler.columns),
    )
    .flatMap(({ handler, guesses }) =>
      guesses.map(({ key }) => ['uncached clear', handler.name, keyInWords(key)].join(' ').trim()),
    );
  return [
    'Its last clearing was before it was put in place, or it would be gone.',
    'Stale all the same? Then no entry came for the change, or its transaction is still open: look at the SQL trigger',
    'and at pg_stat_activity.',
    ...(command === undefined ? [] : [`To clear it by hand: ${command}`]),
  ];
}

function covers(some: readonly string[], all: readonly string[]): boolean {
  return all.every((column) => some.includes(column));
}
