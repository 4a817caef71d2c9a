import { templatesOf } from '../caches/files/files-steps.ts';
import type { Handler } from '../clearing/handler.ts';
import type { QueueColumn } from '../postgres/queue-columns.ts';

const example = 'a date such as 2020-01-31';

/**
 * Templates that need a date from a column that has none, or may have none: `{day:%Y}` reads what PostgreSQL
 * writes for a date or a timestamp, and text in that form.
 */
export function dateFormats(
  handler: Handler,
  columns: readonly QueueColumn[],
): { problems: string[]; notices: string[] } {
  const { name, queue } = handler;
  const problems: string[] = [];
  const notices: string[] = [];
  for (const { text, parts } of templatesOf(handler)) {
    const dated = parts.flatMap((part) =>
      part.kind === 'column' && part.formatName?.includes('%') ? [part.column] : [],
    );
    for (const column of columns.filter((one) => dated.includes(one.name))) {
      if (/^(date|timestamp)/.test(column.type)) continue;
      const where = `[handler.${name}] the template "${text}" takes a date from the column ${column.name} of ${queue}, which is of type ${column.type}`;
      if (mayBeText(column))
        notices.push(
          `${where}: a value that is not ${example} can never be cleared: make it a date, if it is one`,
        );
      else
        problems.push(
          `${where}: none of its values is ${example}, and nothing is cleared: write {${column.name}}, or make it a date`,
        );
    }
  }
  return { problems, notices };
}

/**
 * Categories: S is text, E an enum, U a type of an extension, such as citext, and some of PostgreSQL's own
 * that are not text.
 */
function mayBeText({ type, category }: QueueColumn): boolean {
  return (
    ['S', 'E'].includes(category) || (category === 'U' && !/^(uuid|jsonb?|xml|bytea|xid8?|tid)$/.test(type))
  );
}
