import { describe, expect, it } from 'vitest';
import { format } from '../../../src/config/format-configuration.ts';
import { load } from '../../../src/config/load.ts';
import type { Configuration } from '../../../src/config/typed-configuration.ts';
import { clearOf, handlersOf, look, path, whole, withLine, without, write } from './look.ts';

const news = { clear: [], followers: ['news'], url: [], tag: [] };

describe('fp-listen.ini', () => {
  it('is the same configuration as in the native dialect', () => {
    expect(load(write(whole))).toEqual({
      configuration: {
        file: path,
        database: {
          host: 'pg.example.org',
          dbname: 'freshports.org',
          user: 'listening',
          password: `it's; 50% #1`,
        },
        cache: { root: '/var/db/freshports/cache', settleMs: 10_000 },
        daemon: {
          sweepMs: 60_000,
          listens: true,
          hints: true,
          pollMs: 1_000,
          heartbeatMs: 10_000,
          expireMs: 3_600_000,
          keepMs: 3_600_000,
          batch: 1_000,
          log: 'info',
        },
        http: {},
        handlers: [
          {
            name: 'listen_port',
            queue: 'cache_clearing_ports',
            clear: ['ports/{category}/{port}/*', 'categories/{category}/*'],
            followers: ['news'],
            url: [],
            tag: [],
          },
          {
            name: 'listen_date_updated',
            queue: 'cache_clearing_dates',
            clear: ['daily/{date_to_clear:%Y}/{date_to_clear:%m}/{date_to_clear:%d}.*'],
            followers: ['news'],
            url: [],
            tag: [],
          },
          {
            name: 'listen_commit',
            queue: 'cache_clearing_commits',
            clear: [
              'commits/{commit_to_clear}/',
              'commits/{commit_to_clear:dashes}/',
              'general/sanity_test_failures.{commit_to_clear}.*.html',
              'general/sanity_test_failures.{commit_to_clear:dashes}.*.html',
              'general/sanity_test_failures.PageSize*.html',
            ],
            followers: ['news'],
            url: [],
            tag: [],
          },
          {
            name: 'listen_file_updated',
            queue: 'cache_clearing_files',
            clear: ['ports/{pathname:below /ports/head}.*'],
            followers: ['news'],
            url: [],
            tag: [],
          },
          { name: 'listen_ports_moved', ...news },
          { name: 'listen_ports_updating', ...news },
          { name: 'listen_vuxml', ...news },
          { name: 'listen_category_new', ...news },
          {
            name: 'listen_packages_imported',
            clear: [],
            followers: [],
            url: [],
            tag: [],
            run: 'zfs rollback system/data/freshports-cache-packages/dev-nginx01@empty',
          },
          { name: 'news', clear: ['news/*'], followers: [], url: [], tag: [] },
        ],
        purges: [],
        zones: [],
      } satisfies Configuration,
      notices: [],
      origins: [],
      disabled: new Map(),
      install: 'uncached schema --journal-only',
    });
  });

  it.each([
    ['as it is', whole],
    ['with odd characters', withLine('NEWS_CACHE_DIR', '%(BASEDIR)s/cache/{n}\\e;w#s/[!^a]*')],
    ['with a backslash', withLine('NEWS_CACHE_DIR', '%(BASEDIR)s/cache/n\\\\e')],
    ['with spaces around a password', withLine('PASSWORD', "' x '")],
    ['with a port and TLS', withLine('HOST', "'a,b' port=5433 sslmode=verify-full sslrootcert=/etc/ca.pem")],
    ['with a difficult password', withLine('PASSWORD', `' "x\\\\\\'=[; '`)],
    ['with a password like a number', withLine('PASSWORD', '1e3')],
    ['with less', without('NEWS_CACHE_DIR', 'SANITY_CACHE_PATH', 'PASSWORD')],
    ['with a directory of packages', withLine('PKG_ZFS_SNAPSHOT', '%(BASEDIR)s/cache/packages')],
  ])('printed in the native dialect, %s, loads to the same value', (_what, text) => {
    const { configuration, notices } = load(write(text));
    const native = format(configuration, { notices, showPassword: true });
    const again = load(write(native));
    expect(again).toEqual({
      configuration,
      notices: [],
      origins: [],
      disabled: new Map(),
      install: 'uncached schema',
    });
    for (const notice of notices) expect(native).toContain(`\n; notice: ${notice}\n`);
    const { password, ...database } = configuration.database;
    if (password !== undefined) {
      const masked = load(write(format(configuration))).configuration;
      expect(masked).toEqual({ ...configuration, database: { ...database, password: '********' } });
    }
  });

  it('takes what stands in [DEFAULT]', () => {
    const text = whole
      .replace(/^BASEDIR.*\n/m, '')
      .replace('[database]', '[DEFAULT]\nBASEDIR = /var/db/freshports\nPASSWORD = x\n[database]')
      .replace(/^PASSWORD += '.*\n/m, '');
    const { configuration, problems, notices } = look(text);
    expect({ problems, notices }).toEqual({ problems: [], notices: [] });
    expect(configuration?.database.password).toBe('x');
    expect(configuration?.handlers).toEqual(handlersOf(whole));
    const advised = look(text.replace(/^DATE_CACHE_PATH.*\n/m, '')).notices;
    expect(advised).toEqual([expect.stringContaining('%(BASEDIR)s/cache/daily')]);
  });

  it('understands quotes, and says so once for each place', () => {
    const quotes = "the quotes belong to the value for Python's configparser";
    const one = look(withLine('NEWS_CACHE_DIR', "'%(BASEDIR)s/cache/news/*'"));
    expect(one.problems).toEqual([]);
    expect(one.configuration).toEqual(look(whole).configuration);
    expect(one.notices).toEqual([expect.stringContaining(`line 17: [dirs] NEWS_CACHE_DIR: ${quotes}`)]);
    const comment = look(withLine('NEWS_CACHE_DIR', '%(BASEDIR)s/cache/news ; the news'));
    expect(comment.notices).toEqual([expect.stringContaining('a comment has a line of its own')]);
    const base = look(withLine('BASEDIR', '"/var/db/freshports"'));
    expect(base.configuration).toEqual(look(whole).configuration);
    expect(base.notices).toEqual([expect.stringContaining(`line 8: [dirs] BASEDIR: ${quotes}`)]);
  });

  it.each([
    ['%(BASEDIR)s/cache/news', 'news/*'],
    ['%(BASEDIR)s/cache/news/', 'news/*'],
    ['%(BASEDIR)s/cache/news/*', 'news/*'],
    ['%(BASEDIR)s/cache/news/*/front', 'news/*/front'],
    ['%(BASEDIR)s//cache/./news', 'news/*'],
  ])('NEWS_CACHE_DIR = %s clears %s', (value, template) => {
    expect(clearOf(withLine('NEWS_CACHE_DIR', value), 'news')).toEqual([template]);
  });

  it('clears a directory of packages where there is no ZFS', () => {
    const text = withLine('PKG_ZFS_SNAPSHOT', '%(BASEDIR)s/cache/packages');
    expect(handlersOf(text).find(({ name }) => name === 'listen_packages_imported')).toEqual({
      name: 'listen_packages_imported',
      clear: ['packages/*'],
      followers: [],
      url: [],
      tag: [],
    });
  });

  it('gives a suggestion for what means nothing, and none for what is used or forgotten', () => {
    const text = withLine('NEWS_CACHE_DIR', '%(CACHE)s/news')
      .replace('[dirs]', '[dirs]\nCACHE = %(BASEDIR)s/cache\nJOBWAITING = x\nNEWS_CACHE_DIRS = y\nzebra = 1')
      .replace('[flags]', '[Dirs]\n[flags]');
    const { problems, notices } = look(text);
    expect(problems).toEqual([]);
    expect(notices).toEqual([
      'line 24: the section [Dirs] means nothing, did you mean "dirs"?',
      'line 10: [dirs] NEWS_CACHE_DIRS means nothing, did you mean "NEWS_CACHE_DIR"?',
      'line 11: [dirs] ZEBRA means nothing',
    ]);
  });
});
