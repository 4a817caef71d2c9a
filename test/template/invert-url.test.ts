import { expect, it } from 'vitest';
import { invertUrl } from '../../src/template/invert-url.ts';
import { parseUrl } from '../../src/template/url-template.ts';

const keysOf = (line: string, url: string) =>
  invertUrl(parseUrl(line), url).candidates.map(({ key, alternatives }) => [
    ...Object.values(key),
    ...Object.values(alternatives),
  ]);

it.each([
  ['/{category}/{port}/', '/net/rsync/', [['net', 'rsync']]],
  ['/{category}/{port}/', '/net/libsigc++%202/', [['net', 'libsigc++ 2']]],
  ['/{category}/{port}/', '/net/%C3%A9/', [['net', 'é']]],
  // A byte of an SQL_ASCII database.
  ['/{category}/{port}/', '/net/%E9/', [['net', '\udce9']]],
  ['/{port:strict}', '/libsigc%2B%2B', [['libsigc++']]],
  ['/search?q={port:query}&n=1', '/search?q=a%26b%3F&n=1', [['a&b?']]],
  ['/{path:path}', '/a/b%20c', [['/a/b c', 'with or without "/" at its ends']]],
  ['/{path:path}/', '/', [['/']]],
  ['/docs/{path:path}/', '/docs/', [['/']]],
  ['/docs/{path:path}/x', '/docs/x', [['/']]],
  ['/{name:url}', '/caf%C3%A9', [['café']]],
  ['/{name:slug}', '/a-b', [['a-b', 'or any other value with the slug "a-b"']]],
  ['/{day:%Y}/{day:%m}/{day:%d}', '/2020/01/31', [['2020-01-31', 'at any time of that day']]],
  ['/static', '/static', [[]]],
  [
    '/{a}-{b}',
    '/x-y-z',
    [
      ['x-y', 'z'],
      ['x', 'y-z'],
    ],
  ],
])('%s names %s with %j', (line, url, keys) => {
  expect(keysOf(line, url).sort()).toEqual(keys.sort());
});

it.each([
  // Another spelling is another page.
  ['/{port}', '/libsigc%2B%2B'],
  ['/{port:strict}', '/libsigc++'],
  ['/{port}', '/%c3%a9'],
  ['/{port}', '/a/b'],
  ['/{port}', '/a?b'],
  ['/{port}', '/a/'],
  ['/{port}/', '/a'],
  ['/{port}', '/%'],
  ['/a?b', '/axb'],
  ['/[x]', '/x'],
])('%s does not name %s', (line, url) => {
  expect(keysOf(line, url)).toEqual([]);
});

it('finds the key of whatever a line has made', () => {
  const characters = ['a', '/', '%', '+', ' ', 'é', '😀', '?', '&', '=', '.', '-', '\udcff', '#', '"'];
  const line = parseUrl('/x/{a}/y?b={b:query}&c={c:strict}');
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const value = () =>
    Array.from({ length: 1 + random(6) }, () => characters[random(characters.length)]).join('');
  for (let n = 0; n < 300; n++) {
    const key = { a: `v${value()}`, b: `v${value()}`, c: `v${value()}` };
    const found = invertUrl(line, line.expand(key)).candidates.map((one) => one.key);
    expect(found).toContainEqual(key);
  }
});
