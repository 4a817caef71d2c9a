import { describe, expect, it } from 'vitest';
import { handlersOf, look, whole, withLine, without } from './look.ts';

describe('root', () => {
  const root = (text: string) => look(text).configuration?.cache.root;

  it('is BASEDIR/cache where paths lie there', () => {
    expect(root(whole)).toBe('/var/db/freshports/cache');
    expect(
      root(`[dirs]\nBASEDIR = /a/b\nNEWS_CACHE_DIR = /a/b/cache/news\nFILE_CACHE_PATH = /a/b/cache/x/y%%s.*`),
    ).toBe('/a/b/cache');
  });

  it('is what the paths have in common without a BASEDIR, or where it is another one', () => {
    const plain = without('BASEDIR').replaceAll('%(BASEDIR)s', '/srv/www');
    expect(root(plain)).toBe('/srv/www/cache');
    expect(handlersOf(plain)).toEqual(handlersOf(whole));
    expect(root(withLine('BASEDIR', '/srv/other').replaceAll('%(BASEDIR)s', '/srv/www'))).toBe(
      '/srv/www/cache',
    );
    expect(root(`[dirs]\nNEWS_CACHE_DIR = /a/b/news`)).toBe('/a/b');
    expect(root(`[dirs]\nNEWS_CACHE_DIR = /a/b/news/*/x/y`)).toBe('/a/b/news');
    expect(root(`[dirs]\nCOMMIT_CACHE_PATH = /a/b/%%s/x/`)).toBe('/a/b');
  });

  it.each([
    ['nothing', '[dirs]\n', 'set BASEDIR, whose cache/ it is (there is no path)'],
    ['one component', '[dirs]\nNEWS_CACHE_DIR = /a/news', 'the paths have no more than /a in common'],
    [
      'nothing in common',
      '[dirs]\nNEWS_CACHE_DIR = /a/b/news\nCOMMIT_CACHE_PATH = /b/c/%%s/',
      'the paths have no more than / in common',
    ],
  ])('is unknown with %s', (_what, text, problem) => {
    const { configuration, problems } = look(text);
    expect(configuration).toBeUndefined();
    expect(problems).toEqual([expect.stringContaining(problem)]);
  });

  it('confines: a path elsewhere is a problem, with the nearest suggestion', () => {
    expect(look(withLine('NEWS_CACHE_DIR', '%(BASEDIR)s/cahce/news')).problems).toEqual([
      'line 17: [dirs] NEWS_CACHE_DIR does not lie below /var/db/freshports/cache, and nothing else can be cleared, did you mean "/var/db/freshports/cache"?',
    ]);
    expect(look(withLine('NEWS_CACHE_DIR', '%(BASEDIR)s/cache')).problems).toHaveLength(1);
    expect(look(withLine('NEWS_CACHE_DIR', '%(BASEDIR)s/cache/*')).problems).toEqual([
      'line 17: [dirs] NEWS_CACHE_DIR would clear the whole cache, also what is no page: name a directory in it',
    ]);
    expect(look(withLine('NEWS_CACHE_DIR', '%(BASEDIR)s/cache/../..')).problems).toHaveLength(1);
    expect(look(withLine('COMMIT_CACHE_PATH', '/%%s/*')).problems).toHaveLength(1);
  });
});
