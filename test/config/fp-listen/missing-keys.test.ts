import { describe, expect, it } from 'vitest';
import { clearOf, look, whole, without } from './look.ts';

describe('fp-listen.ini', () => {
  it('disables a handler when its key is missing, and says what to add', () => {
    const port = look(without('PORT_CACHE_PATH'));
    const add =
      'PORT_CACHE_PATH is missing in [dirs]: add PORT_CACHE_PATH = %(BASEDIR)s/cache/ports/%%s/%%s/*';
    expect(port.problems).toEqual([]);
    expect(port.notices).toEqual([
      `the handler listen_port is disabled and cache_clearing_ports keeps its entries: ${add}`,
    ]);
    expect(port.disabled).toEqual(new Map([['listen_port', { why: add, queue: 'cache_clearing_ports' }]]));
    expect(port.configuration?.handlers.map(({ name }) => name)).not.toContain('listen_port');
    expect(port.configuration?.handlers).toHaveLength(9);

    const packages = look(without('PKG_ZFS_SNAPSHOT'));
    expect(packages.problems).toEqual([]);
    expect([...packages.disabled.keys()]).toEqual(['listen_packages_imported']);
    expect(packages.notices).toEqual([expect.stringContaining('add PKG_ZFS_SNAPSHOT = DATASET@empty')]);
  });

  it.each([
    ['PORT_CACHE_PATH', 'listen_port'],
    ['DATE_CACHE_PATH', 'listen_date_updated'],
    ['COMMIT_CACHE_PATH', 'listen_commit'],
    ['FILE_CACHE_PATH', 'listen_file_updated'],
  ])('without %s there is no %s, and no problem', (key, handler) => {
    const { disabled, problems, notices, configuration } = look(without(key));
    expect({ problems, handlers: configuration?.handlers.length }).toEqual({ problems: [], handlers: 9 });
    expect([...disabled.keys()]).toEqual([handler]);
    expect(notices).toHaveLength(1);
  });

  it('goes on with ports where only the key of categories is missing, as before April 2020', () => {
    const { disabled, problems, notices, configuration } = look(without('CATEGORY_CACHE_PATH'));
    expect({ disabled, problems }).toEqual({ disabled: new Map(), problems: [] });
    expect(notices).toEqual([
      'listen_port does not clear the pages of categories: CATEGORY_CACHE_PATH is missing in [dirs]: add CATEGORY_CACHE_PATH = %(BASEDIR)s/cache/categories/%%s/*',
    ]);
    expect(clearOf(without('CATEGORY_CACHE_PATH'), 'listen_port')).toEqual(['ports/{category}/{port}/*']);
    expect(configuration?.handlers).toHaveLength(10);
  });

  it('goes on with commits where only a key of the sanity tests is missing', () => {
    const { disabled, notices } = look(without('SANITY_CACHE_PATH'));
    expect(disabled.size).toBe(0);
    expect(notices).toEqual([
      "listen_commit does not clear a commit's sanity test failures: SANITY_CACHE_PATH is missing in [dirs]: add SANITY_CACHE_PATH = %(BASEDIR)s/cache/general/sanity_test_failures.%%s.*.html",
    ]);
    expect(clearOf(without('SANITY_CACHE_PATH'), 'listen_commit')).toHaveLength(3);
    expect(clearOf(without('SANITY_MAIN_CACHE_PATH'), 'listen_commit')).toHaveLength(4);
  });

  it.each([
    ['%(BASEDIR)s/cache', whole],
    ['/srv/www/cache', without('BASEDIR').replaceAll('%(BASEDIR)s', '/srv/www')],
    ['%(BASEDIR)s', whole.replaceAll('%(BASEDIR)s/cache', '%(BASEDIR)s')],
  ])('advises a path in %s, where the others are', (cache, text) => {
    const { notices, problems } = look(text.replace(/^DATE_CACHE_PATH.*$/m, ''));
    expect(problems).toEqual([]);
    expect(notices).toEqual([
      expect.stringContaining(`: add DATE_CACHE_PATH = ${cache}/daily/%%s/%%s/%%s.*`),
    ]);
  });

  it('goes on without the news, but for what does nothing else', () => {
    const { disabled, notices, configuration } = look(without('NEWS_CACHE_DIR'));
    expect(notices).toEqual([
      'no handler clears the news, and those that do nothing else are disabled: NEWS_CACHE_DIR is missing in [dirs]: add NEWS_CACHE_DIR = %(BASEDIR)s/cache/news',
    ]);
    expect([...disabled.keys()]).toEqual([
      'listen_ports_moved',
      'listen_ports_updating',
      'listen_vuxml',
      'listen_category_new',
    ]);
    expect(configuration?.handlers.flatMap(({ followers }) => followers)).toEqual([]);
    expect(configuration?.handlers).toHaveLength(5);
  });
});
