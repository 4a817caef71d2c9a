import { expect, it } from 'vitest';
import { ConninfoError, parseConninfo } from '../../../src/config/fp-listen/conninfo.ts';
import { askPython, findPython } from '../../python.ts';
import { random } from '../../random.ts';

/** Parses like libpq: of two equal keywords the last one counts. Null for text that libpq refuses. */
function read(text: string): Record<string, string> | null {
  try {
    return Object.fromEntries(parseConninfo(text).map(({ name, value }) => [name, value]));
  } catch (error) {
    if (error instanceof ConninfoError) return null;
    throw error;
  }
}

it.each([
  ['host=a dbname=b', { host: 'a', dbname: 'b' }],
  [' host = a\n\tdbname =b ', { host: 'a', dbname: 'b' }],
  [`password='a b'`, { password: 'a b' }],
  [`password='it\\'s \\\\ here'port=1`, { password: `it's \\ here`, port: '1' }],
  ['password=a\\ b', { password: 'a b' }],
  [`password=a'b`, { password: `a'b` }],
  ['password=a=b', { password: 'a=b' }],
  [`password=''`, { password: '' }],
  ['host= dbname=x', { host: 'dbname=x' }],
  ['port=1 port=2', { port: '2' }],
  ['password=', { password: '' }],
  [`password='a`, null],
  ['password=a b', null],
  [`password='it''s'`, null],
])('parseConninfo(%j)', (text, values) => {
  expect(read(text)).toEqual(values);
});

it('says where it went wrong', () => {
  expect(() => parseConninfo('host=a  stray')).toThrow(expect.objectContaining({ at: 8 }));
  expect(() => parseConninfo(`host=a user='b`)).toThrow(expect.objectContaining({ at: 7 }));
});

const python = findPython('psycopg2.extensions', 'python3-psycopg2');

const oracle = `
import json, sys, psycopg2
from psycopg2.extensions import parse_dsn
def read(dsn):
    try:
        return parse_dsn(dsn)
    except psycopg2.ProgrammingError:
        return None
print(json.dumps([read(dsn) for dsn in json.load(sys.stdin)]))
`;

it.skipIf(python === undefined)('takes 3,000 strings apart as libpq does', () => {
  const chance = random();
  const words = ['host', 'port', 'user', 'dbname', 'password'];
  const pieces = ['a', 'b', 'é', '\\', '\\\\', `\\'`, `'`, '=', '"', '\u00a0', '\x0b', '%', '#'];
  const value = () => {
    const text = chance.list(4, () => chance.pick(pieces)).join('');
    return chance.chance(0.5) ? `'${chance.pick(['', ' '])}${text}'` : text;
  };
  const blank = () => chance.pick(['', '', '', ' ', '\n', '\t ', '\f']);
  const token = () =>
    `${chance.pick(words)}${blank()}=${blank()}${value()}${chance.pick([' ', ' ', '\n', ''])}`;
  const texts = Array.from({ length: 3_000 }, () => blank() + chance.list(4, token).join(''));
  const answers = askPython(python ?? '', oracle, texts) as unknown[];
  let refused = 0;
  for (const [index, text] of texts.entries()) {
    const ours = read(text);
    // libpq does not know the keywords that a quoting mistake produces.
    const known = ours && Object.keys(ours).every((name) => words.includes(name)) ? ours : null;
    expect(known, JSON.stringify(text)).toEqual(answers[index]);
    if (known === null) refused += 1;
  }
  console.info(`${refused} of ${texts.length} are such as libpq refuses`);
  expect(refused).toBeGreaterThan(300);
  expect(refused).toBeLessThan(2_400);
});
