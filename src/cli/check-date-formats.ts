import { templatesOf } from '../caches/files/files-steps.ts';
import type { Handler } from '../clearing/handler.ts';
import type { QueueColumn } from '../postgres/queue-columns.ts';
import { splitDateFormat } from '../template/date-format.ts';

const example = 'a date such as 2020-01-31';

/**
 * Templates that need a date from a column that has none, or may have none: `{day:%Y}` reads what PostgreSQL
 * writes for a date or a timestamp, and text in that form. And those whose date depends on a time zone that
 * they do not name.
 * @param sessionZone the TimeZone of the daemon's sessions, if it is known
 */
export function dateFormats(
  handler: Handler,
  columns: readonly QueueColumn[],
  sessionZone?: string,
): { problems: string[]; notices: string[] } {
  const { name, queue } = handler;
  const problems: string[] = [];
  const notices: string[] = [];
  for (const { text, parts } of templatesOf(handler)) {
    const dated = parts.flatMap((part) => {
      const date = part.kind === 'column' ? splitDateFormat(part.formatName ?? '') : undefined;
      return part.kind === 'column' && date ? [{ column: part.column, ...date }] : [];
    });
    for (const column of columns) {
      const dates = dated.filter((one) => one.column === column.name);
      const [first] = dates;
      if (!first) continue;
      const where = `[handler.${name}] the template "${text}" takes a date from the column ${column.name} of ${queue}, which is of type ${column.type}`;
      const zoned = dates.find(({ zone }) => zone !== undefined);
      const zoneless = dates.find(({ zone }) => zone === undefined);
      if (column.type === 'timestamp with time zone') {
        if (zoneless)
          notices.push(
            `${where}: without a time zone it is that of the daemon's session${sessionZone === undefined ? '' : `, ${sessionZone}`}, which the site may not share: write {${column.name}:${zoneless.format} in ${sessionZone ?? 'Europe/Berlin'}}, with the zone of the site`,
          );
      } else if (/^(date|timestamp)/.test(column.type)) {
        if (zoned)
          problems.push(
            `${where}: it says no time zone, so none of its values can be converted to ${zoned.zone}, and nothing is cleared: write {${column.name}:${zoned.format}}, or make it a timestamptz`,
          );
      } else if (mayBeText(column))
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
