import { unsafe } from 'ini';

/** One `option = value` line of an INI file. */
export interface Entry {
  readonly section: string;
  readonly option: string;
  readonly value: string;
  /** Written `option[] = …`. */
  readonly list: boolean;
  readonly line: number;
}

/**
 * Reads the native format: npm ini's quoting and comments, line by line, since `ini.parse` keeps no line
 * numbers, silently takes the last of two equal options, and turns a password `true` into a boolean.
 */
export function readEntries(text: string): {
  entries: Entry[];
  sections: Map<string, number>;
  problems: string[];
} {
  const entries: Entry[] = [];
  const sections = new Map<string, number>();
  const problems: string[] = [];
  let section = '';
  for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
    const line = index + 1;
    // Without a byte order mark, too.
    const trimmed = raw.trim();
    if (trimmed === '' || /^[;#]/.test(trimmed)) continue;

    const header = /^\[(.*?)\](?:\s+[;#].*)?$/.exec(trimmed)?.[1];
    if (header !== undefined) {
      section = header.trim();
      const first = sections.get(section);
      if (first !== undefined)
        problems.push(`line ${line}: section [${section}] begins in line ${first} already: join the two`);
      else sections.set(section, line);
      continue;
    }

    const [, name = '', value] = /^([^=]*)=(.*)$/s.exec(trimmed) ?? [];
    if (value === undefined) {
      problems.push(`line ${line}: "${trimmed}" is neither [section] nor option = value`);
      continue;
    }
    const [, option = '', brackets] = /^(.*?)(\[\])?$/.exec(name.trim()) ?? [];
    const read = readValue(value.trim());
    if (typeof read === 'string')
      entries.push({ section, option, value: read, list: brackets !== undefined, line });
    else problems.push(`line ${line}: the value of ${option} ${read.problem}`);
  }
  return { entries, sections, problems };
}

/**
 * A single quote ends at the first that is followed by nothing but a comment; the text in double quotes is
 * JSON.
 */
const quoted = /^(?:'(?<single>.*?)'|(?<double>"(?:[^"\\]|\\.)*"))(?:\s+[;#].*)?$/s;

/**
 * The text right of the `=`. ini's `unsafe` would read text in single quotes as JSON, too, so that '1e3'
 * became 1000, and would keep double quotes around text that is not JSON, or before a comment.
 */
function readValue(written: string): string | { readonly problem: string } {
  if (written.includes('\0')) return { problem: 'contains a NUL character' };
  const { single, double } = quoted.exec(written)?.groups ?? {};
  if (single !== undefined) return single;
  if (double !== undefined) return fromJson(double) ?? meansNothing;
  if (written.startsWith('"')) return meansNothing;
  if (written.startsWith("'")) {
    return {
      problem:
        'begins with a single quote, and does not end with one: end it with one, or put it in double quotes',
    };
  }
  return isCut(written)
    ? { problem: 'would end before its "#" or ";": put it in double quotes' }
    : String(unsafe(written));
}

const meansNothing = {
  problem:
    'has a backslash or a quote that means nothing in double quotes: write \\\\ and \\", or put it in single quotes, which take everything as it is',
};

function fromJson(text: string): string | undefined {
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** A comment may follow a value, but a `#` directly after a character is more likely part of a password. */
function isCut(value: string): boolean {
  return /[^\s\\][;#]/.test(value.replace(/\s[;#].*$/, ''));
}
