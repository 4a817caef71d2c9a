import type { Entry } from '../read-entries.ts';
import type { Report } from './conversion-report.ts';
import type { Dirs } from './dirs.ts';
import { newsKey, packagesKey, packagesReaction, pathKeys, type Reaction, reactions } from './keys.ts';
import type { Values } from './section.ts';

/** Native entries of every handler that [dirs] has the paths for. A missing path becomes a notice. */
export function handlerEntries(
  { writtenRoot, templates, snapshot }: Dirs,
  values: Values,
  report: Report,
): Entry[] {
  const missing = (keys: readonly string[]) => keys.filter((key) => !values.has(key));
  const news = templates.has(newsKey) ? ['news'] : [];

  const entries = reactions.flatMap((reaction) => {
    const { name, queue, keys, more = {} } = reaction;
    const lacking = missing(needed(reaction));
    if (lacking.length > 0) {
      report.disabled.set(name, { why: advice(lacking), ...(queue !== undefined && { queue }) });
      if (queue === undefined) return [];
      report.notices.push(
        `the handler ${name} is disabled and ${queue} keeps its entries: ${advice(lacking)}`,
      );
      return [];
    }
    for (const key of missing(Object.keys(more))) {
      report.notices.push(`${name} does not clear ${more[key]}: ${advice([key])}`);
    }
    return section(name, [
      ...option('queue', needed(reaction), queue === undefined ? [] : [queue]),
      ...[...keys, ...Object.keys(more)].flatMap((key) => option('clear', [key], templates.get(key))),
      ...option('then', [newsKey], news),
    ]);
  });

  if (!values.has(newsKey)) {
    report.notices.push(
      `no handler clears the news, and those that do nothing else are disabled: ${advice([newsKey])}`,
    );
  }
  if (!values.has(packagesKey)) {
    report.disabled.set(packagesReaction, { why: advice([packagesKey]) });
    report.notices.push(`the handler ${packagesReaction} is disabled: ${advice([packagesKey])}`);
  }
  return [
    ...entries,
    ...section(packagesReaction, [
      ...option('clear', [packagesKey], templates.get(packagesKey)),
      ...option('run', [packagesKey], snapshot === undefined ? [] : [`zfs rollback ${snapshot}`]),
    ]),
    ...section('news', option('clear', [newsKey], templates.get(newsKey))),
  ];

  function option(name: string, keys: readonly string[], texts: readonly string[] = []): Unplaced[] {
    const line = values.get(keys[0] ?? '')?.line ?? 0;
    return texts.map((value) => ({ option: name, value, list: name === 'clear', line }));
  }

  function advice(keys: readonly string[]): string {
    const names = keys.map((key) => key.toUpperCase()).join(' and ');
    const lines = keys.map((key) => `${key.toUpperCase()} = ${usual(key)}`).join(' and ');
    return `${names} ${keys.length === 1 ? 'is' : 'are'} missing in [dirs]: add ${lines}`;
  }

  function usual(key: string): string {
    if (key === packagesKey) return 'DATASET@empty, or the absolute path of the directory of packages';
    return `${writtenRoot}/${pathKeys[key]?.usual ?? 'news'}`;
  }
}

type Unplaced = Omit<Entry, 'section'>;

function section(name: string, entries: readonly Unplaced[]): Entry[] {
  return entries.map((entry) => ({ section: `handler.${name}`, ...entry }));
}

/** Without a path of its own a handler needs the news, or it has nothing to do. */
function needed({ keys }: Reaction): readonly string[] {
  return keys.length > 0 ? keys : [newsKey];
}
