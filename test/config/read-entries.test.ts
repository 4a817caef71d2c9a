import { describe, expect, it } from 'vitest';
import { readEntries } from '../../src/config/read-entries.ts';

const read = (written: string) => readEntries(`[database]\ndbname = ${written}\n`);

describe('readEntries', () => {
  it.each([
    ['site ; the site', 'site'],
    ['"site" ; the site', 'site'],
    ["'site' # the site", 'site'],
    [`"a ; b" ; it's "quoted"`, 'a ; b'],
    [`'a ; b'\t;the 'site'`, 'a ; b'],
    [`'a' # b' # c`, 'a'],
    [`'it's' # quoted`, "it's"],
    [`'a'b' # c`, "a'b"],
    [`"a'b"`, "a'b"],
  ])('takes %s for %s: a comment may follow quotes, too', (written, value) => {
    const { entries, problems } = read(written);
    expect({ values: entries.map((entry) => entry.value), problems }).toEqual({
      values: [value],
      problems: [],
    });
  });

  it.each([
    [`"site`, 'has a backslash or a quote that means nothing in double quotes'],
    [`"site" the site`, 'has a backslash or a quote that means nothing in double quotes'],
    [`"site";the site`, 'has a backslash or a quote that means nothing in double quotes'],
    [`'site`, 'begins with a single quote, and does not end with one'],
    [`'site' the site`, 'begins with a single quote, and does not end with one'],
    [`'site';the site`, 'begins with a single quote, and does not end with one'],
    ['si\0te', 'contains a NUL character'],
  ])('refuses %s', (written, problem) => {
    const { entries, problems } = read(written);
    expect(problems).toEqual([expect.stringContaining(`line 2: the value of dbname ${problem}`)]);
    expect(entries).toEqual([]);
  });

  it.each([
    ['[database]', 'database'],
    ['[ database ] ; as in [etc]', 'database'],
    ['[handler.a]b] # c', 'handler.a]b'],
  ])('takes %s for the section %s', (written, name) => {
    const { sections, problems } = readEntries(written);
    expect({ names: [...sections.keys()], problems }).toEqual({ names: [name], problems: [] });
  });

  it.each([['\n'], ['\r\n'], ['\r']])('ends lines at %j, and drops a byte order mark', (end) => {
    const { entries, sections, problems } = readEntries(`\ufeff[a]${end}b = c${end}${end}[d]${end}`);
    expect(problems).toEqual([]);
    expect([...sections]).toEqual([
      ['a', 1],
      ['d', 4],
    ]);
    expect(entries).toEqual([{ section: 'a', option: 'b', value: 'c', list: false, line: 2 }]);
  });
});
