import { describe, expect, it } from 'vitest';
import { dashes, slug } from '../../src/template/slug.ts';
import { parseTemplate } from '../../src/template/template.ts';
import { askPython, findPython } from '../python.ts';
import { random } from '../random.ts';

const chances = random();
const expand = (text: string, a: string) => parseTemplate(text).expand({ a });

describe('{column:slug}', () => {
  /** By the sources of Django 5 slugify, Rails 7 parameterize and WordPress 6 sanitize_title. */
  it.each([
    ['Hello World', 'hello-world'],
    ['Hello, World!', 'hello-world'],
    ['  Crème   Brûlée  ', 'creme-brulee'],
    ['Ärger mit Öl', 'arger-mit-ol'],
    ['already-a-slug', 'already-a-slug'],
    ['--a - b--', 'a-b'],
    ['tabs\tand\nlines', 'tabs-and-lines'],
    ['snake_case', 'snake_case'],
    ['ÀÉÎÕÜ çñ', 'aeiou-cn'],
    ['C++ & Rust', 'c-rust'],
    ['2024', '2024'],
  ])('%j is %s to Django, Rails and WordPress', (value, made) => {
    expect(expand('{a:slug}', value)).toBe(made);
  });

  it.each([
    // Rails: it-s; WordPress: its.
    ["It's", 'its'],
    // Rails and WordPress: 3-5-km.
    ['3.5 km', '35-km'],
    ['a/b', 'ab'],
    ['a—b', 'ab'],
    // Rails: strasse; WordPress: strase.
    ['Straße', 'strae'],
    // Rails and WordPress: orsted.
    ['Ørsted', 'rsted'],
    // Rails and WordPress: _a_.
    ['_a_', 'a'],
    ['ﬁne ½', 'fine-12'],
    ['a\u00a0b', 'a-b'],
    ['A\udce9B', 'ab'],
    ['\u212a', 'k'],
  ])('%j is %s to Django alone', (value, made) => {
    expect(expand('{a:slug}', value)).toBe(made);
  });

  it.each(['東京', '!!!', '-', '__', ' ', '\udce9'])('%j has no slug', (value) => {
    expect(() => expand('{a:slug}', value)).toThrow(
      `column a is ${JSON.stringify(value)}, of which no letter or digit is left in a slug: no page can have this key`,
    );
  });

  it('is what Django makes of anything', ({ skip }) => {
    const python = findPython('unicodedata, re', 'python3') ?? skip();
    const characters = [...'aB9_- .,/\'"\t\n\x1c\x1fäß½ﬁ\u00a0\u2003—東İıſ\u212a\u0301😀'];
    const values = Array.from({ length: 3_000 }, () =>
      chances.list(8, () => chances.pick(characters)).join(''),
    );
    const script = `
import json, re, sys, unicodedata
def slugify(value):
    value = unicodedata.normalize("NFKD", value).encode("ascii", "ignore").decode("ascii")
    value = re.sub(r"[^\\w\\s-]", "", value.lower())
    return re.sub(r"[-\\s]+", "-", value).strip("-_")
print(json.dumps([slugify(value) for value in json.load(sys.stdin)]))`;
    expect(values.map(slug)).toEqual(askPython(python, script, values));
  });
});

it('{column:dashes} is what {column:slug} was: untrimmed, and without accents', () => {
  expect(expand('commits/{a:dashes}/', '<200501.A_b@FreeBSD.org>')).toBe('commits/-200501-a-b-freebsd-org-/');
  expect(dashes('Crème')).toBe('cr-me');
});
