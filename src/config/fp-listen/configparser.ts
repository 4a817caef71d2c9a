import { notUtf8 } from '../utf8.ts';

/** A value as written, and the line it begins in. */
interface Raw {
  readonly text: string;
  readonly line: number;
}

export interface RawSection {
  readonly line: number;
  /** By lower-case name. */
  readonly options: ReadonlyMap<string, Raw>;
}

export interface RawFile {
  readonly sections: ReadonlyMap<string, RawSection>;
  /** Options of [DEFAULT], which every section has. */
  readonly defaults: ReadonlyMap<string, Raw>;
  /**
   * The reasons why Python would refuse the file. Python reports only the first; these are all, and none
   * shows a value.
   */
  readonly problems: readonly string[];
}

/**
 * What Python's `str.strip` and `\s` treat as white space: JavaScript's, without U+FEFF and with some control
 * characters.
 */
const space = '[\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000]';
const end = new RegExp(`${space}+$`);
const ends = new RegExp(`^${space}+|${space}+$`, 'g');
const indentation = new RegExp(`^${space}*`);
const assignment = new RegExp(`^(.*?)${space}*[=:]${space}*(.*)$`, 's');

/** An option while its lines are read. */
interface Open {
  readonly lines: string[];
  readonly line: number;
}

/**
 * Reads a file as Python's `configparser.ConfigParser` does with its defaults
 * (https://docs.python.org/3/library/configparser.html), up to the interpolation of values: interpolate.ts.
 */
export function parseFile(bytes: Buffer): RawFile {
  const text = bytes.toString();
  const defaults = new Map<string, Open>();
  const sections = new Map<string, { line: number; options: Map<string, Open> }>();
  const problems = notUtf8(bytes);
  let section: Map<string, Open> | undefined;
  let option: Open | undefined;
  let indent = 0;

  if (text.startsWith('\ufeff')) {
    problems.push('line 1: begins with a byte order mark, which Python takes for text: save it without one');
  }
  for (const [index, raw] of text
    .replace(/^\ufeff/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const line = index + 1;
    const content = strip(raw);
    if (/^[#;]/.test(content)) continue;
    if (content === '') {
      option?.lines.push('');
      continue;
    }
    const depth = indentation.exec(raw)?.[0].length ?? 0;
    if (option && depth > indent) {
      option.lines.push(content);
      continue;
    }
    indent = depth;
    const header = /^\[(.+)\]/s.exec(content)?.[1];
    if (header !== undefined) {
      option = undefined;
      section = beginSection(header, line);
    } else if (section) {
      option = beginOption(section, content, line) ?? option;
    } else {
      problems.push(`line ${line}: stands before the first [section]`);
    }
  }
  return {
    defaults: close(defaults),
    sections: new Map(
      [...sections].map(([name, { line, options }]) => [name, { line, options: close(options) }]),
    ),
    problems,
  };

  function beginSection(name: string, line: number): Map<string, Open> {
    if (name === 'DEFAULT') return defaults;
    const first = sections.get(name);
    if (first) problems.push(`line ${line}: section [${name}] begins in line ${first.line} already`);
    const begun = first ?? { line, options: new Map() };
    sections.set(name, begun);
    return begun.options;
  }

  function beginOption(options: Map<string, Open>, content: string, line: number): Open | undefined {
    const [, name = '', value = ''] = assignment.exec(content) ?? [];
    if (name === '') {
      problems.push(`line ${line}: is neither [section] nor NAME = value`);
      return undefined;
    }
    const begun = { lines: [value], line };
    const first = options.get(name.toLowerCase());
    if (first) problems.push(`line ${line}: ${name} is set in line ${first.line} already`);
    else options.set(name.toLowerCase(), begun);
    return begun;
  }
}

function strip(text: string): string {
  return text.replace(ends, '');
}

function close(options: ReadonlyMap<string, Open>): Map<string, Raw> {
  return new Map(
    [...options].map(([name, { lines, line }]) => [name, { text: lines.join('\n').replace(end, ''), line }]),
  );
}
