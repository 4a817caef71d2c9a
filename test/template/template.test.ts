import { describe, expect, it } from 'vitest';
import { parseTemplate } from '../../src/template/template.ts';

const expand = (template: string, key: Record<string, string | null>) => parseTemplate(template).expand(key);

describe('parseTemplate', () => {
  it('returns columns and the literal directory', () => {
    const template = parseTemplate('ports/{category}/{port}/{category}.*');
    expect(template.columns).toEqual(['category', 'port']);
    expect(template.literalDirectory).toBe('ports');
    expect(parseTemplate('news/*').literalDirectory).toBe('news');
    expect(parseTemplate('a/b/*').literalDirectory).toBe('a/b');
    expect(parseTemplate('*').literalDirectory).toBe('');
    expect(parseTemplate('commits/{id}/').literalDirectory).toBe('commits');
    expect(parseTemplate('a\\*b/c{id}/*').literalDirectory).toBe('a*b');
  });

  it.each([
    ['', 'is empty'],
    ['/news/*', 'begins with "/"'],
    ['news//*', 'empty component'],
    ['../news/*', 'component ".."'],
    ['./news/*', 'component "."'],
    ['news/..', 'component ".."'],
    ['\\.\\./news', 'component "\\.\\."'],
    ['news/\\../x', 'component "\\.."'],
    ['news/[z-a]', 'the range "z-a", which is backwards'],
    ['news/[!0-9\\]-\\[]', 'which is backwards'],
    ['ports/{port', 'stray "{"'],
    ['ports/port}', 'stray "}"'],
    ['ports/{}', '"{}" where a column'],
    ['ports/{a{b}}', 'stray "{"'],
    ['news/[abc', '"[" without its "]"'],
    ['news/[a/b]', '"[" without its "]"'],
    ['news/a\\', 'ends in a backslash'],
    ['news\\/a', 'backslash before "/"'],
    ['news/{a:lower}', '"lower" is no format'],
    ['news/{a:%Y/%m}', 'cannot contain "/"'],
    ['news/{a:%q}', '%q is no date directive'],
    ['news/{a:below}', '"below" takes a path such as /ports/head, and "" is empty'],
    ['news/{a:below /}', 'is empty'],
    ['news/{a:below /a//b}', 'is empty'],
    ['news/{a:below /a/../b}', 'begins with a dot'],
    ['news/{a:belowx}', '"belowx" is no format'],
    ['news/a\0', 'stray "\\u0000"'],
    ['news/\\\0', 'stray "\\u0000"'],
    ['news/[\0]', 'stray "\\u0000"'],
  ])('refuses %j: %s', (text, message) => {
    expect(() => parseTemplate(text)).toThrow(message);
  });
});

describe('expand', () => {
  it('puts values into components', () => {
    expect(expand('ports/{category}/{port}/*', { category: 'www', port: 'nginx' })).toBe('ports/www/nginx/*');
    expect(expand('general/fail.{id}.*.html', { id: 'abc' })).toBe('general/fail.abc.*.html');
    expect(expand('commits/{id}/', { id: 'abc' })).toBe('commits/abc/');
  });

  it('makes glob characters in data literal', () => {
    expect(expand('ports/{port}/*', { port: '*' })).toBe('ports/\\*/*');
    expect(expand('ports/{port}', { port: 'a?[b]\\' })).toBe('ports/a\\?\\[b\\]\\\\');
  });

  it.each([
    [null, 'is NULL'],
    ['', 'is empty'],
    ['.', 'begins with a dot'],
    ['..', 'begins with a dot'],
    ['.htaccess', 'begins with a dot'],
    ['a/b', 'contains "/"'],
    ['/', 'contains "/"'],
    ['a\0b', 'NUL'],
    ['a\ud800', 'half a surrogate pair'],
    ['x'.repeat(256), 'over 255 bytes'],
    ['é'.repeat(128), 'over 255 bytes'],
  ])('refuses the value %j: %s', (value, message) => {
    expect(() => expand('ports/{port}/*', { port: value })).toThrow(message);
  });

  it('counts the whole component, not the value, and escapes not at all', () => {
    expect(() => expand('{a}.{b}', { a: 'x'.repeat(200), b: 'y'.repeat(60) })).toThrow('over 255 bytes');
    expect(expand('{a}', { a: '*'.repeat(255) })).toBe('\\*'.repeat(255));
  });

  it('counts a wildcard as the least that it can stand for', () => {
    expect(expand('{a}.*', { a: 'x'.repeat(254) })).toBe(`${'x'.repeat(254)}.*`);
    expect(() => expand('{a}.?', { a: 'x'.repeat(254) })).toThrow('over 255 bytes');
    expect(() => expand('{a}[a-z]', { a: 'x'.repeat(255) })).toThrow('over 255 bytes');
    expect(expand('[abc]{a}', { a: 'x'.repeat(254) })).toBe(`[abc]${'x'.repeat(254)}`);
  });

  it('refuses a path too long to exist, which would be a deep walk for nothing', () => {
    expect(expand('{p:path}', { p: 'a/'.repeat(2_047).slice(0, -1) })).toBeTruthy();
    expect(() => expand('{p:path}', { p: `${'a/'.repeat(2_500)}a` })).toThrow('over 4095 bytes');
  });

  it('formats dates, with and without a time', () => {
    const template = 'daily/{day:%Y}/{day:%m}/{day:%d}.*';
    expect(expand(template, { day: '2020-01-03' })).toBe('daily/2020/01/03.*');
    expect(expand(template, { day: '2020-01-03 10:20:30.5+00' })).toBe('daily/2020/01/03.*');
    expect(expand('hour/{at:%Y-%m-%d-%H%M}', { at: '2020-01-03 10:20:30' })).toBe('hour/2020-01-03-1020');
    expect(() => expand(template, { day: 'infinity' })).toThrow('is no date');
    expect(() => expand(template, { day: '0044-03-15 BC' })).toThrow('is no date');
  });

  it('takes several components with :path and checks each', () => {
    expect(expand('ports/{p:path}.*', { p: '/Mk/bsd.port.mk' })).toBe('ports/Mk/bsd.port.mk.*');
    expect(expand('ports/{p:path}.*', { p: 'MOVED' })).toBe('ports/MOVED.*');
    expect(expand('pages/{p:path}/index.html', { p: '/docs/intro/' })).toBe('pages/docs/intro/index.html');
    for (const p of [
      'a/../b',
      '..',
      '/',
      '',
      'a//b',
      'a/.hidden',
      'a//',
      '//',
      '//a',
      '///',
      '/./',
      '/../',
      '/\0/',
    ]) {
      expect(() => expand('ports/{p:path}.*', { p })).toThrow('no page can have this key');
    }
  });

  it.each([
    ['/ports/head/MOVED', 'MOVED'],
    ['ports/head/MOVED', 'MOVED'],
    ['/ports/head/Mk/bsd.port.mk', 'Mk/bsd.port.mk'],
    ['/ports/head/x/ports/head/y', 'x/ports/head/y'],
    ['/ports/head/ports/head', 'ports/head'],
    ['/ports/header/x', 'ports/header/x'],
    ['/ports/x', 'ports/x'],
    ['/ports', 'ports'],
    ['/src/ports/head/x', 'src/ports/head/x'],
    ['/ports/head/.gitignore', '.gitignore'],
    ['/ports/head/.github/..a/...', '.github/..a/...'],
    ['/ports/head/*', '\\*'],
  ])('takes the prefix off with :below: %s is %s', (pathname, path) => {
    for (const prefix of ['/ports/head', 'ports/head', '/ports/head/', ' /ports/head '])
      expect(expand(`ports/{pathname:below ${prefix}}.*`, { pathname })).toBe(`ports/${path}.*`);
  });

  it.each([
    ['/ports/head', 'is "/ports/head", of which nothing is below /ports/head'],
    ['ports/head', 'of which nothing is below'],
    ['/ports/head/', 'is empty'],
    ['/', 'is empty'],
    ['', 'is empty'],
    ['//ports/head/x', 'is empty'],
    ['/ports/head/a//b', 'is empty'],
    ['/ports/head/..', 'component ".."'],
    ['/ports/head/../../x', 'component ".."'],
    ['/ports/head/a/./b', 'component "."'],
    ['/ports/head/.uncached', "uncached's own file"],
    ['/ports/head/.a.0123456789abcdef.tmp', 'a page being written'],
    [`/ports/head/${'x'.repeat(256)}`, 'over 255 bytes'],
    ['/ports/head/a\0', 'NUL'],
  ])('refuses with :below the value %j: %s', (pathname, message) => {
    const refused = () => expand('ports/{pathname:below /ports/head}', { pathname });
    expect(refused).toThrow(message);
    expect(refused).toThrow('no page can have this key');
  });

  it('returns the patterns of every key', () => {
    const everything = (text: string) => parseTemplate(text).everything;
    expect(everything('ports/{category}/{port}/*')).toEqual(['ports/*/*/*']);
    expect(everything('ports/{p:path}.*')).toEqual(['ports/*']);
    expect(everything('ports/{p:below /ports/head}.*')).toEqual(['ports/*', 'ports/.*']);
    expect(everything('{p:below /ports/head}')).toEqual(['*', '.*']);
    expect(everything('ports/x{p:below /ports/head}')).toEqual(['ports/x*']);
  });

  it.each([
    ['pages/{p:path}/index.html', 'pages/index.html'],
    ['{p:path}/index.html', 'index.html'],
    ['{p:path}/*', '*'],
    ['a/{p:path}/{p:path}/b', 'a/b'],
    ['a/{p:path}/{q}', 'a/q'],
  ])('takes the path "/" for the top: %s is %s', (template, pattern) => {
    expect(expand(template, { p: '/', q: 'q' })).toBe(pattern);
  });

  it.each([
    '{p:path}',
    'a/{p:path}',
    'a/{p:path}/',
    '{p:path}/',
    'a/{p:path}.html',
    'x{p:path}/b',
    '{q}{p:path}/b',
  ])('refuses the path "/" where it would leave a directory, or half a name: %s', (template) => {
    expect(() => expand(template, { p: '/', q: 'q' })).toThrow(
      'column p is "/", the top, which only {p:path}/NAME can name: no page can have this key',
    );
  });

  it('encodes with :url as rawurlencode does, into one component', () => {
    expect(expand('{a:url}.html', { a: 'café au lait' })).toBe('caf%C3%A9%20au%20lait.html');
    expect(expand('{a:url}', { a: "a/b%c*!'()~_-." })).toBe('a%2Fb%25c%2A%21%27%28%29~_-.');
    expect(expand('{a:url}', { a: 'a/../..' })).toBe('a%2F..%2F..');
    expect(() => expand('{a:url}', { a: '../..' })).toThrow('begins with a dot');
    expect(expand('{a:url}', { a: 'caf\udce9' })).toBe('caf%E9');
    expect(() => expand('{a:url}', { a: 'é'.repeat(50) })).toThrow('over 255 bytes');
    for (const a of ['', '.', '..', '.x', 'a\0', 'a\ud800'])
      expect(() => expand('{a:url}', { a }), JSON.stringify(a)).toThrow('no page can have this key');
  });

  it('takes bytes that are no UTF-8 as they are, and makes characters of those that are one together', () => {
    expect(expand('{a}.*', { a: 'caf\udce9' })).toBe('caf\udce9.*');
    expect(expand('{a}{b}', { a: '\udcc3', b: '\udca9' })).toBe('é');
    expect(expand('{a}', { a: '\udce9'.repeat(255) })).toBe('\udce9'.repeat(255));
    expect(() => expand('{a}', { a: '\udce9'.repeat(256) })).toThrow('over 255 bytes');
    expect(expand('{a:dashes}', { a: 'A\udce9\udce8B' })).toBe('a-b');
  });

  it('says which column', () => {
    expect(() => expand('{category}/{port}', { category: 'www', port: null })).toThrow('column port is NULL');
  });
});
