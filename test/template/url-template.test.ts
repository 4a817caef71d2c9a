import { describe, expect, it } from 'vitest';
import { decode } from '../../src/core/bytes.ts';
import { parseTag } from '../../src/template/tag-template.ts';
import { parseUrl } from '../../src/template/url-template.ts';

describe('parseUrl', () => {
  it.each([
    ['/{a}/{b}/', { a: 'net', b: 'rsync' }, '/net/rsync/'],
    ['/{a}', { a: 'libsigc++' }, '/libsigc++'],
    ['/{a:strict}', { a: 'libsigc++' }, '/libsigc%2B%2B'],
    ['/s?q={a:query}', { a: 'a&b=c d' }, '/s?q=a%26b%3Dc%20d'],
    ['/{a}', { a: 'é' }, '/%C3%A9'],
    ['/{a}', { a: '50%' }, '/50%25'],
    ['/{a}', { a: 'a/b' }, '/a%2Fb'],
    ['/{a}', { a: 'a?b#c' }, '/a%3Fb%23c'],
    ['/{a}', { a: "a;b,c'(d)!$&*@:=~_.-" }, "/a;b,c'(d)!$&*@:=~_.-"],
    ['/{a}', { a: decode(Buffer.from([0x61, 0xe9])) }, '/a%E9'],
    ['/{a}', { a: '.hidden' }, '/.hidden'],
    ['/{a:path}/', { a: '/x y/z' }, '/x%20y/z/'],
    ['/{a:below /ports/head}', { a: '/ports/head/Mk/é' }, '/Mk/%C3%A9'],
    ['/{a:%Y}/{a:%m}', { a: '2026-11-29' }, '/2026/11'],
    ['/{a:slug}', { a: 'A b' }, '/a-b'],
    ['/{a:url}', { a: 'a+é' }, '/a%2B%C3%A9'],
    ['/{a:path}/', { a: '/docs/intro/' }, '/docs/intro/'],
    ['/{a:path}/', { a: '/' }, '/'],
    ['/{a:path}', { a: '/' }, '/'],
    ['/docs/{a:path}/x?y={a:path}', { a: '/' }, '/docs/x?y='],
    ['/%C3%A9/?x=1&y', {}, '/%C3%A9/?x=1&y'],
  ])('%s of %j is %s', (text, key, url) => {
    expect(parseUrl(text).expand(key)).toBe(url);
  });

  it.each([
    ['a/{b}', 'does not begin with "/"'],
    ['/a b', 'has " ": write it as browsers send it, %20'],
    ['/é', 'has "é": write it as browsers send it, %C3%A9'],
    ['/a//b', 'has an empty component'],
    ['/a*', 'has a "*": wildcards are for page files alone'],
    ['/{a', 'has a stray "{"'],
    ['/{}', 'has "{}" where a column'],
    [
      '/{a:strange}',
      'has "{a:strange}": "strange" is no format; there are path, below PREFIX, url, slug, dashes, strict, query and dates',
    ],
  ])('refuses %s', (text, why) => {
    expect(() => parseUrl(text)).toThrow(`the url "${text}" ${why}`);
  });

  it.each([
    [{ a: null }, 'column a is NULL'],
    [{}, 'column a is not in the key'],
    [{ a: '' }, 'column a is empty'],
    [{ a: '.' }, 'column a is ".", which is no name'],
    [{ a: '..' }, 'column a is "..", which is no name'],
    [{ a: 'a\r\nHost: x' }, 'column a contains a control character'],
    [{ a: 'x'.repeat(2_000) }, 'over 2000 bytes'],
    [{ a: 'x'.repeat(9_000) }, 'column a is 9 KB'],
  ])('makes nothing of %j', (key, why) => {
    expect(() => parseUrl('/{a}').expand(key as Record<string, string>)).toThrow(why);
  });

  it('names its columns once', () => {
    expect(parseUrl('/{a}/{b}/{a:strict}').columns).toEqual(['a', 'b']);
  });
});

describe('parseTag', () => {
  it.each([
    ['port-{a}', { a: 'rsync' }, 'port-rsync'],
    ['{a:strict}', { a: 'a b,c' }, 'a%20b%2Cc'],
    ['{a:slug}', { a: 'A, b' }, 'a-b'],
    ['{a}/{a:path}', { a: 'b/' }, 'b//b'],
    ['page:{a:path}', { a: '/' }, 'page:'],
    ['{a:%Y}', { a: '2026-11-29' }, '2026'],
  ])('%s of %j is %s', (text, key, tag) => {
    expect(parseTag(text).expand(key)).toBe(tag);
  });

  it('is never empty', () => {
    expect(() => parseTag('{a:path}').expand({ a: '/' })).toThrow(
      'a tag is empty: no page can have this key',
    );
  });

  it.each(['a b', 'a,b', 'é', 'a\nb'])('makes nothing of %j', (a) => {
    expect(() => parseTag('{a}').expand({ a })).toThrow(/^column a .*: no page can have this key$/s);
    expect(() => parseTag(a)).toThrow('has characters that no tag can have');
  });
});
