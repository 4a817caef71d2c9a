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
    entries.push({ section, option, value: String(unsafe(value)), list: brackets !== undefined, line });
  }
  return { entries, sections, problems };
}

/** A comment may follow a value, but a `#` right behind a character is more likely part of a password. */
function isCut(value: string): boolean {
  return !/^(".*"|'.*')$/.test(value) && /[^\s\\][;#]/.test(value.replace(/\s[;#].*$/, ''));
}
