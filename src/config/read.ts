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
 * Reads the native dialect: npm ini's quoting and comments, line by line, since `ini.parse` keeps no line numbers, takes the last
 * of two equal options without a word, and turns a password `true` into a boolean.
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
  for (const [index, raw] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    const trimmed = raw.trim();
    if (trimmed === '' || /^[;#]/.test(trimmed)) continue;

    const header = /^\[(.*)\]$/.exec(trimmed)?.[1];
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
    if (isCut(value.trim())) {
      problems.push(
        `line ${line}: the value of ${option} would end before its "#" or ";": put it in double quotes`,
      );
    }
    const read = unquote(value.trim());
    if (read === undefined) {
      problems.push(
        `line ${line}: the value of ${option} has a backslash or a quote that means nothing in double quotes: write \\\\ and \\", or put it in single quotes, which take everything as it is`,
      );
      continue;
    }
    entries.push({ section, option, value: read, list: brackets !== undefined, line });
  }
  return { entries, sections, problems };
}

/**
 * Single quotes take everything as it is, double quotes are JSON. ini's `unsafe` would read what stands in single quotes as JSON, too, so
 * that '1e3' became 1000, and keep double quotes around what is none. Undefined for that.
 */
function unquote(written: string): string | undefined {
  const single = /^'(.*)'$/s.exec(written)?.[1];
  if (single !== undefined) return single;
  if (!/^".*"$/s.test(written)) return String(unsafe(written));
  try {
    return String(JSON.parse(written));
  } catch {
    return undefined;
  }
}

/** A comment may follow a value, but a `#` right behind a character is more likely part of a password. */
function isCut(value: string): boolean {
  return !/^(".*"|'.*')$/.test(value) && /[^\s\\][;#]/.test(value.replace(/\s[;#].*$/, ''));
}
