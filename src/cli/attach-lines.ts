import { readHandlers } from '../cache-kinds.ts';
import type { HandlerSettings } from '../core/configuration.ts';
import { toError } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';
import type { ColumnTemplate } from '../template/column-template.ts';
import { parseTag } from '../template/tag-template.ts';
import { parseUrl } from '../template/url-template.ts';
import { dateFormats } from './check-date-formats.ts';

/** A column of the key; `type` and `category` are those of the queue table's. */
export interface TypedColumn {
  readonly name: string;
  readonly type: string;
  readonly category: string;
}

/** What is wrong with the lines of a handler that has no others than `clear[]`, `url[]` and `tag[]`, for this key. */
export function lineFindings(
  settings: HandlerSettings,
  key: readonly string[],
): { problems: string[]; notices: string[] } {
  const { clear, url = [], tag = [] } = settings;
  if (clear.length + url.length + tag.length === 0) return { problems: [], notices: [] };
  const problems: string[] = [];
  const ofClear = readHandlers([{ ...settings, url: [], tag: [] }]);
  if (clear.length > 0) problems.push(...ofClear.problems);
  const named = new Set(ofClear.handlers.get(settings.name)?.columns ?? []);
  const read = (texts: readonly string[], parse: (text: string) => ColumnTemplate) => {
    for (const text of texts) {
      try {
        for (const column of parse(text).columns) named.add(column);
      } catch (error) {
        problems.push(`[handler.${settings.name}] ${toError(error).message}`);
      }
    }
  };
  read(url, parseUrl);
  read(tag, parseTag);
  for (const column of named)
    if (!key.includes(column))
      problems.push(
        `{${column}} is in a template, and the key has no column ${column}${didYouMean(column, key) || ': name it behind the table'}`,
      );
  const unused = problems.length > 0 ? [] : key.filter((column) => !named.has(column));
  return {
    problems,
    notices: unused.map(
      (column) =>
        `no template names {${column}}: leave it out of the key, unless a template will, as each value of it is an entry`,
    ),
  };
}

/** Formats that the types of the columns do not allow. */
export function formatFindings(
  settings: HandlerSettings,
  columns: readonly TypedColumn[],
): { problems: string[]; notices: string[] } {
  const handler = readHandlers([{ ...settings, url: [], tag: [] }]).handlers.get(settings.name);
  if (!handler) return { problems: [], notices: [] };
  return dateFormats(
    handler,
    columns.map((column) => ({ ...column, staysNull: false })),
  );
}
