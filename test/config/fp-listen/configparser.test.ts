import { describe, expect, it } from 'vitest';
import { parseFile, type RawFile } from '../../../src/config/fp-listen/configparser.ts';
import { interpolate } from '../../../src/config/fp-listen/interpolate.ts';
import { askPython, findPython } from '../../python.ts';
import { random } from '../../random.ts';
import { generateIni } from './generated-ini.ts';

/** Every value of every section after interpolation. Null where interpolation fails. */
function valuesOf(file: RawFile): Record<string, Record<string, string | null>> {
  const names = (section: string) => [
    ...file.defaults.keys(),
    ...(file.sections.get(section)?.options.keys() ?? []),
  ];
  const get = (section: string, name: string) => {
    const raw = file.sections.get(section)?.options.get(name) ?? file.defaults.get(name);
    try {
      return interpolate(raw?.text ?? '', file, section);
    } catch {
      return null;
    }
  };
  return Object.fromEntries(
    [...file.sections.keys()].map((section) => [
      section,
      Object.fromEntries(names(section).map((name) => [name, get(section, name)])),
    ]),
  );
}

const read = (text: string) => parseFile(Buffer.from(text));
const valueIn = (text: string) => valuesOf(read(`[s]\n${text}`)).s?.a;

describe('parseFile', () => {
  it.each([
    ['A = x', 'x'],
    ['A=x', 'x'],
    ['a: x', 'x'],
    ['a : = x', '= x'],
    ['a = b = c', 'b = c'],
    ['a =', ''],
    ['a = x ; not a comment', 'x ; not a comment'],
    ['a = x # nor this', 'x # nor this'],
    ['a = x\n; a comment\n # another\nb = y', 'x'],
    ['a = x\n  y', 'x\ny'],
    ['a = x\n\n  y', 'x\n\ny'],
    ['a = x\n\n\nb = y', 'x'],
    ['a = x\n  # comment\n  y', 'x\ny'],
    ['  a = x\n  b = y', 'x'],
    [`a = 'x'`, `'x'`],
    ['a = "x"', '"x"'],
    ['a = \\x', '\\x'],
    ['a = x\r\nb = y\r\n', 'x'],
    ['a = x\rb = y', 'x'],
    ['a = %%s', '%s'],
    ['a = %(B)s/y\nb = x', 'x/y'],
    ['a = %(b)s\nb = %(c)s\nc = x', 'x'],
    ['a = %(b)s\n[DEFAULT]\nb = x', 'x'],
    ['a = 50%', null],
    ['a = %s', null],
    ['a = %(b)s', null],
    ['a = %(a)s', null],
    ['a = %(b', null],
  ])('reads %j as %j', (text, value) => {
    expect(valueIn(text)).toBe(value);
  });

  it('keeps names of sections, and the lines of values', () => {
    const { sections, defaults } = read('[ A b ]\n\nX = 1\n[DEFAULT]\ny: 2');
    expect([...sections.keys()]).toEqual([' A b ']);
    expect(sections.get(' A b ')?.options.get('x')).toEqual({ text: '1', line: 3 });
    expect(defaults.get('y')).toEqual({ text: '2', line: 5 });
  });

  it('names every problem at once, with its line and without its value', () => {
    const text = `secret = 1
[a]
x = 1
X = secret
secret
= secret
[a]
[]
`;
    expect(read(`\ufeff${text}`).problems).toEqual([
      'line 1: begins with a byte order mark, which Python takes for text: save it without one',
      'line 1: stands before the first [section]',
      'line 4: X is set in line 3 already',
      'line 5: is neither [section] nor NAME = value',
      'line 6: is neither [section] nor NAME = value',
      'line 7: section [a] begins in line 2 already',
      'line 8: is neither [section] nor NAME = value',
    ]);
    expect(parseFile(Buffer.from('[a]\nx = \xe9\n', 'latin1')).problems).toEqual([
      'line 2: is not UTF-8: save the file in that encoding',
    ]);
  });
});

const python = findPython('configparser', 'python3');

/** Opens the file as Python opens a text file. Prints null for a refused file, and for a refused value. */
const oracle = `
import configparser, io, json, sys, base64
def read(data):
    parser = configparser.ConfigParser()
    try:
        parser.read_file(io.TextIOWrapper(io.BytesIO(base64.b64decode(data)), encoding='utf-8'))
    except (configparser.Error, UnicodeDecodeError):
        return None
    def get(section, option):
        try:
            return parser.get(section, option)
        except configparser.InterpolationError:
            return None
    return {section: {option: get(section, option) for option in parser.options(section)} for section in parser.sections()}
print(json.dumps([read(data) for data in json.load(sys.stdin)]))
`;

it.skipIf(python === undefined)('reads 3,000 files as Python does', () => {
  const chance = random();
  const files = Array.from({ length: 3_000 }, () => generateIni(chance));
  const answers = askPython(
    python ?? '',
    oracle,
    files.map((file) => file.toString('base64')),
  ) as unknown[];
  let accepted = 0;
  for (const [index, file] of files.entries()) {
    const raw = parseFile(file);
    const ours = raw.problems.length > 0 ? null : valuesOf(raw);
    expect(ours, JSON.stringify(file.toString('latin1'))).toEqual(answers[index]);
    if (ours !== null) accepted += 1;
  }
  console.info(`${accepted} of ${files.length} files are such as Python accepts`);
  expect(accepted).toBeGreaterThan(1_000);
  expect(accepted).toBeLessThan(2_700);
});
