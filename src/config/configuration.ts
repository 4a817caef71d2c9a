import type { Configuration, DatabaseSettings, HandlerSettings } from '../core/configuration.ts';
import { didYouMean } from '../core/suggest.ts';
import { type Option, options, type Section } from './options.ts';
import type { Entry } from './read.ts';

/** Parsed values of one section, as the option table types them. */
type Values<S extends Section> = { [K in keyof (typeof options)[S]]?: ValueOf<(typeof options)[S][K]> };
type ValueOf<O> = O extends Option<infer T> ? T : never;

interface Parsed {
  readonly entries: readonly Entry[];
  /** Every section and the line it begins in, also the empty ones. */
  readonly sections: ReadonlyMap<string, number>;
}

/** Checks entries against the option table. Where problems leave enough to go on with, `check` goes on to find the others. */
export function toConfiguration(
  file: string,
  parsed: Parsed,
): { configuration?: Configuration; problems: string[] } {
  const problems = strangers(parsed);
  const values = <S extends Section>(table: S, section: string = table) =>
    sectionValues(
      table,
      parsed.entries.filter((entry) => entry.section === section),
      section,
      problems,
    ) as Values<S>;

  const database = values('database');
  problems.push(...portProblems(database));
  const { root, settle } = values('cache');
  const { sweep, heartbeat, batch, log } = values('daemon');
  const http = values('http');
  const handlers = [...parsed.sections.keys()].filter(isHandler).map((section): HandlerSettings => {
    const { queue, clear, then: followers, run } = values('handler', section);
    return {
      name: section.slice(handlerPrefix.length),
      ...(queue !== undefined && { queue }),
      clear: toList(clear),
      followers: toList(followers),
      ...(run !== undefined && { run }),
    };
  });
  if (handlers.length === 0) problems.push('there is no [handler.…] section: nothing would ever be cleared');

  const complete =
    root !== undefined &&
    settle !== undefined &&
    sweep !== undefined &&
    heartbeat !== undefined &&
    batch !== undefined &&
    log !== undefined;
  if (!complete) return { problems };
  return {
    configuration: {
      file,
      database,
      cache: { root, settleMs: settle },
      daemon: { sweepMs: sweep, heartbeatMs: heartbeat, batch, log },
      http,
      handlers,
    },
    problems,
  };
}

function portProblems({ host, port }: DatabaseSettings): string[] {
  const hosts = host?.split(',').length ?? 1;
  if (port === undefined || port.length === 1 || port.length === hosts) return [];
  return [`[database] port names ${port.length} ports for ${hosts} hosts: give one for all, or one for each`];
}

const handlerPrefix = 'handler.';

function isHandler(section: string): boolean {
  return section.startsWith(handlerPrefix) && section.length > handlerPrefix.length;
}

function toList(value: unknown): string[] {
  return Array.isArray(value) ? value : [];
}

/** Sections that there are not, and entries before the first section. */
function strangers({ entries, sections }: Parsed): string[] {
  const known = Object.keys(options).filter((name) => name !== 'handler');
  return [
    ...entries
      .filter(({ section }) => section === '')
      .map(({ line, option }) => `line ${line}: ${option} stands before the first [section]`),
    ...[...sections]
      .filter(([section]) => !known.includes(section) && !isHandler(section))
      .map(
        ([section, line]) =>
          `line ${line}: unknown section [${section}]${didYouMean(section, [...known, 'handler.NAME'])}`,
      ),
  ];
}

function sectionValues(
  table: Section,
  entries: readonly Entry[],
  section: string,
  problems: string[],
): Record<string, unknown> {
  const known: Readonly<Record<string, Option<unknown>>> = options[table];
  const values: Record<string, unknown> = {};
  const seen = new Map<string, number>();
  for (const entry of entries) {
    const bad = (what: string) => problems.push(`line ${entry.line}: [${section}] ${entry.option} ${what}`);
    const option = Object.hasOwn(known, entry.option) ? known[entry.option] : undefined;
    const first = seen.get(entry.option);
    if (!option) bad(`is unknown${didYouMean(entry.option, Object.keys(known))}`);
    else if (entry.list && !option.list) bad('takes one value: write it without []');
    else if (first !== undefined && !(option.list && entry.list)) {
      bad(`is set in line ${first} already${option.list ? `: write ${entry.option}[] = … in both` : ''}`);
    } else readValue(values, entry, option, bad);
    seen.set(entry.option, first ?? entry.line);
  }
  for (const [name, option] of Object.entries(known)) {
    if (seen.has(name)) continue;
    if (option.required) problems.push(`[${section}] ${name} is missing`);
    else if (option.default !== undefined) values[name] = option.parse(option.default);
  }
  return values;
}

function readValue(
  values: Record<string, unknown>,
  entry: Entry,
  option: Option<unknown>,
  bad: (what: string) => void,
): void {
  try {
    const value = option.parse(entry.value);
    if (!option.list) values[entry.option] = value;
    else values[entry.option] = [...toList(values[entry.option]), value];
  } catch (error) {
    bad(`= ${option.secret ? '…' : entry.value}: ${(error as Error).message}`);
  }
}
