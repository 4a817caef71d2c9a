import { describe, expect, it } from 'vitest';
import type { Key } from '../../src/core/contracts.ts';
import { patternCovers } from '../../src/filesystem/match.ts';
import { type Inverse, invert } from '../../src/template/invert.ts';
import { parseTemplate } from '../../src/template/template.ts';
import { random } from '../random.ts';
import { anyKey, anyTemplate, anyValue, type Meant, type Token, written } from './generated.ts';
import { fits, isRefused, spread } from './plain-definition.ts';

const chances = random();

function inverse(template: string, path: string, isDirectory = false): Inverse {
  return invert(parseTemplate(template), path, (pattern) => patternCovers(pattern, { path, isDirectory }));
}

const keys = (template: string, path: string) => inverse(template, path).candidates.map(({ key }) => key);

describe('invert', () => {
  it.each<[string, string, Key[]]>([
    ['ports/{category}/{port}/*', 'ports/www/nginx/Detail.html', [{ category: 'www', port: 'nginx' }]],
    ['ports/{category}/{port}/*', 'ports/www/nginx/files/deep/in.html', [{ category: 'www', port: 'nginx' }]],
    ['ports/{category}/{port}/*', 'ports/www/nginx', []],
    ['ports/{category}/{port}/*', 'ports/www/nginx/.hidden', []],
    ['ports/{category}/{port}/*', 'news/www/nginx/x', []],
    ['news/*', 'news/index.html', [{}]],
    ['commits/{id}/', 'commits/abc/x.html', [{ id: 'abc' }]],
    ['commits/{id}/', 'commits/abc', []],
    [
      '{a}-{b}',
      'x-y-z',
      [
        { a: 'x-y', b: 'z' },
        { a: 'x', b: 'y-z' },
      ],
    ],
    ['{a}/{a}.html', 'x/x.html', [{ a: 'x' }]],
    ['{a}/{a}.html', 'x/y.html', []],
    ['{id}/{id:dashes}.html', 'A_b/a-b.html', [{ id: 'A_b' }]],
    ['p/{port}', 'p/a*[b]', [{ port: 'a*[b]' }]],
    ['p/[a-c]{x}', 'p/bus', [{ x: 'us' }]],
    ['p/[a-c]{x}', 'p/dus', []],
  ])('%s of %s: %j', (template, path, expected) => {
    expect(keys(template, path)).toEqual(expected);
  });

  it('says what a column may be besides the value it gives', () => {
    expect(inverse('commits/{id:dashes}/', 'commits/a-b-/x').candidates).toEqual([
      { key: { id: 'a-b-' }, alternatives: { id: 'or any other value with the slug "a-b-"' } },
    ]);
    expect(inverse('commits/{id:dashes}/', 'commits/A/x').candidates).toEqual([]);
    expect(
      inverse('ports/{p:path}.*', 'ports/Mk/bsd.port.mk.html').candidates.map(({ key }) => key.p),
    ).toEqual(['/Mk/bsd.port.mk', '/Mk/bsd.port', '/Mk/bsd']);
    expect(inverse('ports/{p:below /ports/head}.*', 'ports/Mk/x.html').candidates).toEqual([
      {
        key: { p: '/ports/head/Mk/x' },
        alternatives: { p: 'or "/Mk/x", each with or without the leading "/"' },
      },
    ]);
    expect(keys('ports/{p:below /ports/head}.*', 'ports/.github/x.html')).toEqual([
      { p: '/ports/head/.github/x' },
    ]);
    expect(inverse('daily/{d:%Y}/{d:%m}/{d:%d}.*', 'daily/2020/01/03.daily.head').candidates).toEqual([
      { key: { d: '2020-01-03' }, alternatives: { d: 'at any time of that day' } },
    ]);
    expect(inverse('hour/{at:%Y-%m-%d-%H%M}', 'hour/2020-01-03-1020').candidates[0]?.key).toEqual({
      at: '2020-01-03 10:20:00',
    });
    expect(inverse('year/{d:%Y}/*', 'year/2020/x').candidates[0]?.alternatives).toEqual({
      d: 'or any other like 2020-??-?? ??:??',
    });
    expect(inverse('daily/{d:%Y}/{d:%m}/{d:%d}.*', 'daily/2020/01/x.daily').candidates).toEqual([]);
  });

  it('takes a directory itself where the template has a trailing slash', () => {
    expect(inverse('commits/{id}/', 'commits/abc', true).candidates).toEqual([
      { key: { id: 'abc' }, alternatives: {} },
    ]);
  });

  it('loses patience with patterns that can be laid in very many ways, soon', () => {
    expect(inverse('*{a}*', 'x'.repeat(200))).toMatchObject({ more: true, candidates: { length: 20 } });
    expect(inverse(`${'*a'.repeat(40)}{b}c`, 'a'.repeat(250))).toEqual({ candidates: [], more: false });
    expect(inverse('*?*?*?*?*?*?*?{b}.x', `${'a'.repeat(24)}.x`)).toMatchObject({
      more: false,
      candidates: { length: 17 },
    });
  });
});

/** A name that most likely matches the tokens. */
function anyName(tokens: readonly Token[], key: Key): string {
  return tokens
    .map((token) => {
      if (token.kind === 'text') return token.text;
      if (token.kind === 'column') return key[token.column] ?? '';
      if (token.kind === 'star') return chances.list(2, () => chances.pick([...'ab.x😀'])).join('');
      if (token.kind === 'below') throw new Error('a template must be spread first');
      if (token.kind === 'any') return chances.pick([...'ab.x😀']);
      return token.negated ? 'q' : chances.pick(token.characters);
    })
    .join('');
}

function pathNamed(meant: Meant, key: Key): string | undefined {
  const { components = [], directory } = spread(meant, key) ?? {};
  const names = components.map((tokens) => anyName(tokens, key));
  if (!components.every((tokens, at) => fits(tokens, key, names[at] ?? '') && !/[/\0]/.test(names[at] ?? '')))
    return undefined;
  const below = directory || chances.chance(0.3) ? chances.pick([['x'], ['x', '.y'], ['é.html']]) : [];
  return [...names, ...below].join('/');
}

it('whatever template is expanded with whatever key: the key is found in a path that comes out', () => {
  let found = 0;
  for (let round = 0; round < 2_000; round++) {
    const meant = anyTemplate(chances);
    const key = anyKey(chances);
    if (isRefused(meant, key)) continue;
    const template = parseTemplate(written(meant));
    const path = pathNamed(meant, key);
    if (path === undefined) continue;
    const { candidates, more } = invert(template, path, (pattern) =>
      patternCovers(pattern, { path, isDirectory: false }),
    );
    if (!more) {
      found += 1;
      const seen = JSON.stringify([template.text, path]);
      expect(
        candidates.map((guess) => template.expand(guess.key)),
        seen,
      ).toContain(template.expand(key));
      if (template.text.includes(':below')) continue;
      const named = Object.fromEntries(template.columns.map((column) => [column, key[column]]));
      expect(
        candidates.map((guess) => guess.key),
        seen,
      ).toContainEqual(named);
    }
  }
  expect(found).toBeGreaterThan(200);
}, 240_000);

describe.each([
  [
    'path',
    ['p/{c:path}.*', 'p/{c:path}', '{c:path}/x', 'p/{c:path}/x', 'p/{c:path}/*'],
    () =>
      chances.pick(['/', 'a/', ...chances.list(3, () => anyValue(chances))]) + chances.pick(['', '/', '/b/']),
  ],
  ['url', ['p/{c:url}.*', '{c:url}/', 'p/{c:url}'], () => anyValue(chances)],
  [
    'zoned dates',
    ['{c:%Y in Europe/Berlin}/{c:%m-%d in Europe/Berlin}.*', '{c:%Y%m%d%H%M in America/New_York}'],
    anyDate,
  ],
  ['dashes', ['p/{c:dashes}.*', '{c:dashes}/'], () => anyValue(chances)],
  [
    'below',
    ['p/{c:below /a/b}.*', '{c:below x}/'],
    () => chances.pick(['', '/a/b/', 'a/b/', '/x/']) + chances.list(3, () => anyValue(chances)).join('/'),
  ],
  ['slug', ['p/{c:slug}.*', '{c:slug}/'], () => anyValue(chances)],
  ['dates', ['{c:%Y}/{c:%m}/{c:%d}.*', '{c:%Y-%m-%d}', 'x{c:%Y%m%d%H%M}', '{c:%m}/{c:%Y}.x'], anyDate],
])('%s', (_format, templates, anyColumn) => {
  it('gives a key that expands as the true one does', () => {
    let found = 0;
    for (let round = 0; round < 2_000; round++) {
      const template = parseTemplate(chances.pick(templates));
      let pattern: string;
      try {
        pattern = template.expand({ c: anyColumn() });
      } catch {
        continue;
      }
      const name = pattern.replace(/\\(.)|\*/gsu, (_all, escaped) => escaped ?? 'html');
      const path = name.endsWith('/') ? `${name}x` : name;
      if (/(^|\/)\./.test(path)) continue;
      const { candidates, more } = invert(template, path, (one) =>
        patternCovers(one, { path, isDirectory: false }),
      );
      found += 1;
      const expanded = candidates.map(({ key }) => template.expand(key));
      if (!more) expect(expanded, JSON.stringify([template.text, path])).toContain(pattern);
    }
    expect(found).toBeGreaterThan(200);
  });
});

function anyDate(): string {
  const two = (most: number) => String(1 + chances.below(most)).padStart(2, '0');
  return `${1990 + chances.below(60)}-${two(12)}-${two(28)} ${two(23)}:${two(59)}:07.5+00`;
}
