import type { DatabaseSettings } from '../core/configuration.ts';
import { didYouMean } from '../core/suggest.ts';
import { type Option, options, optionsOf, type Section } from './options.ts';
import type { Entry } from './read-entries.ts';
import type { Configuration, Draft } from './typed-configuration.ts';

interface Parsed {
  readonly entries: readonly Entry[];
  /** Every section and the line it begins in, including empty ones. */
  readonly sections: ReadonlyMap<string, number>;
}

/** Checks entries against the option table. A draft without problems is a configuration. */
export function toConfiguration(file: string, parsed: Parsed): { draft: Draft; problems: string[] } {
  const problems = unknownEntries(parsed);
  const values = (table: Section, section: string = table) =>
    sectionValues(
      table,
      parsed.entries.filter((entry) => entry.section === section),
      section,
      problems,
    );

  const named = (table: NamedSection) =>
    [...parsed.sections.keys()]
      .filter((section) => nameIn(section, table) !== undefined)
      .map((section) => ({ name: nameIn(section, table), ...values(table, section) }));

  const database = values('database') as Configuration['database'];
  problems.push(...portProblems(database));
  const draft = {
    file,
    database,
    cache: values('cache'),
    daemon: values('daemon'),
    http: values('http'),
    handlers: named('handler'),
    purges: named('purge'),
    zones: named('nginx'),
  } as unknown as Draft;
  if (draft.handlers.length === 0)
    problems.push('there is no [handler.…] section: nothing would ever be cleared');
  return { draft, problems };
}

function portProblems({ host, port }: DatabaseSettings): string[] {
  const hosts = host?.split(',').length ?? 1;
  if (port === undefined || port.length === 1 || port.length === hosts) return [];
  return [`[database] port names ${port.length} ports for ${hosts} hosts: give one for all, or one for each`];
}

/** Sections of which there may be several, each with a name: `[handler.NAME]`. */
const namedSections = ['handler', 'purge', 'nginx'] as const;
type NamedSection = (typeof namedSections)[number];

/** The name in `table.NAME`. */
function nameIn(section: string, table: NamedSection): string | undefined {
  return section.startsWith(`${table}.`) ? section.slice(table.length + 1) || undefined : undefined;
}

/** What a section of these would be, with the name that stands there. */
function namedLike(section: string): string[] {
  const [, name = 'NAME'] = /[.: ](.+)$/.exec(section) ?? [];
  return namedSections.map((table) => `${table}.${name}`);
}

/** Sections that do not exist, and entries before the first section. */
function unknownEntries({ entries, sections }: Parsed): string[] {
  const known = Object.keys(options).filter((name) => !namedSections.some((table) => table === name));
  return [
    ...entries
      .filter(({ section }) => section === '')
      .map(({ line, option }) => `line ${line}: ${option} stands before the first [section]`),
    ...[...sections]
      .filter(
        ([section]) =>
          !known.includes(section) && namedSections.every((table) => nameIn(section, table) === undefined),
      )
      .map(
        ([section, line]) =>
          `line ${line}: unknown section [${section}]${didYouMean(section, [...known, ...namedLike(section)])}`,
      ),
  ];
}

/** By property, with the types of the option table. */
function sectionValues(
  table: Section,
  entries: readonly Entry[],
  section: string,
  problems: string[],
): Record<string, unknown> {
  const known = new Map(optionsOf(table));
  const values: Record<string, unknown> = {};
  const seen = new Map<string, number>();
  for (const [name, option] of known) if (option.list) values[option.property ?? name] = [];
  for (const entry of entries) {
    const bad = (what: string) => problems.push(`line ${entry.line}: [${section}] ${entry.option} ${what}`);
    const option = known.get(entry.option);
    const first = seen.get(entry.option);
    if (!option) bad(`is unknown${didYouMean(entry.option, [...known.keys()])}`);
    else if (entry.list && !option.list) bad('takes one value: write it without []');
    else if (first !== undefined && !(option.list && entry.list)) {
      bad(`is set in line ${first} already${option.list ? `: write ${entry.option}[] = … in both` : ''}`);
    } else readValue(values, entry, option, bad);
    seen.set(entry.option, first ?? entry.line);
  }
  for (const [name, option] of known) {
    if (option.required && !seen.has(name)) problems.push(`[${section}] ${name} is missing`);
    else if (option.default !== undefined) values[option.property ?? name] ??= option.parse(option.default);
  }
  return values;
}

function readValue(
  values: Record<string, unknown>,
  entry: Entry,
  option: Option<unknown>,
  bad: (what: string) => void,
): void {
  const property = option.property ?? entry.option;
  const before = values[property];
  try {
    const value = option.parse(entry.value);
    values[property] = Array.isArray(before) ? [...before, value] : value;
  } catch (error) {
    bad(`= ${option.secret ? '…' : entry.value}: ${(error as Error).message}`);
  }
}
