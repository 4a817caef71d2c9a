import { isPrintable } from '../core/printable-text.ts';
import type { KeyColumn } from '../postgres/attach-sql.ts';
import { ownColumns } from '../postgres/existing-queue.ts';
import { showIdentifier } from '../postgres/identifier.ts';
import type { SourceColumn } from '../postgres/source-table.ts';
import { meant, readWritten, splitKeyColumn, unknownName } from './written-names.ts';

/** An index has 32 columns, and one is xid. */
const most = 31;

export interface Key {
  readonly columns: readonly (KeyColumn & { readonly category: string })[];
  /** As templates name them; also those with a problem. */
  readonly names: readonly string[];
  readonly problems: readonly string[];
}

/** The key that the operator named, with everything that is wrong with it. */
export function readKey(
  written: readonly string[],
  { table, columns }: { table: string; columns: readonly SourceColumn[] },
): Key {
  const problems: string[] = [];
  const all: string[] = [];
  const key = written.flatMap((one) => {
    const bad = (problem: string) => {
      problems.push(problem);
      return [];
    };
    const split = splitKeyColumn(one);
    if (!split) return bad(`"${one}" is no column: write COLUMN, or QUEUE_COLUMN=COLUMN`);
    const source = meant(split.source, columns, ({ name }) => name);
    const name =
      split.name === undefined && source ? source.name : readWritten(split.name ?? split.source).name;
    all.push(name);
    if (!source)
      return bad(
        unknownName(
          `${table} has no column`,
          split.source,
          columns.map(({ name }) => name),
        ),
      );
    if (source.isVirtual)
      return bad(
        `column ${showIdentifier(source.name)} of ${table} is generated and VIRTUAL, and a trigger cannot read it: make it STORED (doc/recipes.md, "Generated columns")`,
      );
    if (ownColumns.includes(name))
      return bad(
        `the queue table has a column ${name} of its own: give the key's another name, such as ${other(table, name)}=${showIdentifier(source.name)}, and write {${other(table, name)}} in templates`,
      );
    if (!isPrintable(name) || !isPrintable(source.name) || /[{}:/]/.test(name))
      return bad(
        `column ${JSON.stringify(name)} has a name that no template can contain: write QUEUE_COLUMN=COLUMN`,
      );
    return [
      {
        name,
        source: source.name,
        sourceType: source.type,
        type: source.queueType,
        category: source.category,
      },
    ];
  });
  const names = key.map(({ name }) => name);
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  for (const name of new Set(twice)) problems.push(`the key has the column ${showIdentifier(name)} twice`);
  if (key.length > most) problems.push(`the key has ${key.length} columns: an index has room for ${most}`);
  return { columns: key, names: all, problems };
}

/** `article_id` for the `id` of `public.articles`. */
function other(table: string, name: string): string {
  const [last = ''] = table.replaceAll('"', '').split('.').slice(-1);
  const plain = last.toLowerCase().replace(/[^a-z0-9_]+/g, '_');
  return `${plain.replace(/s$/, '') || 'key'}_${name}`;
}
