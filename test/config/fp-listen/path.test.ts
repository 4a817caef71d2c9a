import { describe, expect, it } from 'vitest';
import { parsePath, toTemplate, unquote } from '../../../src/config/fp-listen/path.ts';
import { matcher } from '../../../src/filesystem/match.ts';
import { parseTemplate } from '../../../src/template/template.ts';
import { askPython, findPython } from '../../python.ts';
import { random } from '../../random.ts';

describe('unquote', () => {
  it.each([
    [`'/a/b'`, '/a/b'],
    ['"/a/b"', '/a/b'],
    ['"/a"/b/*', '/a/b/*'],
    ['""/a"/b"', '/a/b'],
    ['/a/b', '/a/b'],
    [`'/a/b`, `'/a/b`],
    [`/a/'b'`, `/a/'b'`],
    [`'`, `'`],
    [`''`, `''`],
  ])('%j is meant as %j', (text, meant) => {
    expect(unquote(text)).toBe(meant);
  });
});

const template = (text: string, columns: string[] = []) =>
  toTemplate(parsePath(text, columns.length), columns);

describe('parsePath and toTemplate', () => {
  it.each([
    ['/a/%s/%s.*', ['{x}', '{y}'], 'a/{x}/{y}.*'],
    ['//a/./%s//', ['{x}'], 'a/{x}/'],
    ['/a/100%%/%s', ['{x}'], 'a/100%/{x}'],
    ['/a/100%/b', [], 'a/100%/b'],
    ['/a/{b}\\c', [], 'a/\\{b\\}\\\\c'],
    ['/a/[^b]/[]c]/[!]]/[d', [], 'a/[\\^b]/[\\]c]/[!\\]]/\\[d'],
    ['/a/[b/c]', [], 'a/\\[b/c]'],
  ])('%j with %j is %j', (text, columns, expected) => {
    expect(template(text, columns)).toBe(expected);
  });

  it.each([
    ['a/b', [], 'must be an absolute path'],
    ['', [], 'is empty'],
    ['/a/../b', [], 'must not contain ".."'],
    ['/a/%s', ['{x}', '{y}'], 'has %%s once where there must be %%s 2 times'],
    ['/a/%s', [], 'has %%s once where there must be no %%s'],
    ['/a', ['{x}'], 'has no %%s where there must be %%s once'],
    ['/a/%d', ['{x}'], 'has %d, which is neither %%s nor %%%%'],
    ['/a/[%s]', ['{x}'], 'has %%s between brackets'],
    ['/a\n/b', [], 'goes on in the next line'],
    ['/a\0', [], 'contains a NUL'],
  ])('%j with %j: %s', (text, columns, problem) => {
    expect(() => template(text, columns)).toThrow(problem);
  });
});

const python = findPython('glob', 'python3');

/** The names that glob.glob matches. */
const oracle = `
import json, sys, fnmatch, glob, re
def matches(pattern, names):
    if not glob.has_magic(pattern):
        return [name for name in names if name == pattern]
    try:
        return [name for name in names if fnmatch.fnmatchcase(name, pattern) and (pattern[0] == '.' or name[0] != '.')]
    except re.error:
        return None
print(json.dumps([matches(pattern, names) for pattern, names in json.load(sys.stdin)]))
`;

it.skipIf(python === undefined)('3,000 globs match as templates what they match in Python', () => {
  const chance = random();
  const pieces = [
    'a',
    'b',
    '*',
    '?',
    '[',
    ']',
    '!',
    '^',
    '-',
    '\\',
    '{',
    '}',
    '.',
    '[a',
    '[!',
    '[]',
    '[^',
    'a-c',
    '%',
  ];
  const names = ['a', 'b', 'c', '-', '^', '!', ']', '[', '\\', '{', '}', '.', '%'];
  const cases = Array.from({ length: 3_000 }, () => {
    const glob = chance.list(6, () => chance.pick(pieces)).join('') || 'a';
    const near = glob.replace(/[*?]/g, () => chance.pick(names));
    const others = Array.from(
      { length: 40 },
      () => chance.pick(names) + chance.list(3, () => chance.pick(names)).join(''),
    );
    return [glob, [...new Set([near, ...others, ...names])].filter((name) => !/^\.\.?$/.test(name))] as const;
  }).filter(([glob]) => !/^\.+$/.test(glob));
  const answers = askPython(python ?? '', oracle, cases) as string[][];
  let matched = 0;
  let refused = 0;
  for (const [index, [glob, all]] of cases.entries()) {
    let pattern: string;
    try {
      pattern = parseTemplate(template(`/${glob}`)).expand({});
    } catch (error) {
      // Python treats a range that ends before it begins as empty. uncached reports it.
      expect((error as Error).message, glob).toContain('which is backwards');
      refused += 1;
      continue;
    }
    const ours = all.filter(matcher(pattern));
    expect(ours, `${JSON.stringify(glob)} as ${JSON.stringify(pattern)}`).toEqual(answers[index]);
    matched += ours.length;
  }
  console.info(`${matched} matches, ${refused} globs refused`);
  expect(matched).toBeGreaterThan(3_000);
  expect(refused).toBeLessThan(300);
});
