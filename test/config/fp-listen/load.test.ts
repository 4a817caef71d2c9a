import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { format } from '../../../src/config/format.ts';
import { inspect, load } from '../../../src/config/load.ts';
import type { Configuration } from '../../../src/core/configuration.ts';
import { freshportsDatabase, freshportsDirs } from '../../fp-listen-ini.ts';

let folder: string;
let path: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-fp-listen-'));
  path = join(folder, 'fp-listen.ini');
});
afterAll(() => rmSync(folder, { recursive: true }));

const whole = freshportsDatabase + freshportsDirs();

function write(text: string): string {
  writeFileSync(path, text);
  return path;
}

/** Without the name of the file in front. */
function look(text: string): ReturnType<typeof inspect> {
  const { problems, notices, ...rest } = inspect(write(text));
  const bare = (all: readonly string[]) => all.map((one) => one.replace(`${path}: `, ''));
  return { ...rest, problems: bare(problems), notices: bare(notices) };
}

const without = (...keys: string[]) =>
  keys.reduce((text, key) => text.replace(new RegExp(`^${key}\\b.*\n`, 'm'), ''), whole);

const withLine = (key: string, value: string) =>
  whole.replace(new RegExp(`^${key}\\b.*$`, 'm'), () => `${key} = ${value}`);

const handlersOf = (text: string) => look(text).configuration?.handlers ?? [];
const clearOf = (text: string, name: string) => handlersOf(text).find((one) => one.name === name)?.clear;

const news = { clear: [], followers: ['news'] };

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
        daemon: { sweepMs: 60_000, heartbeatMs: 10_000, batch: 1_000, log: 'info' },
        http: {},
        handlers: [
          {
            name: 'listen_port',
            queue: 'cache_clearing_ports',
            clear: ['ports/{category}/{port}/*', 'categories/{category}/*'],
            followers: ['news'],
          },
          {
            name: 'listen_date_updated',
            queue: 'cache_clearing_dates',
            clear: ['daily/{date_to_clear:%Y}/{date_to_clear:%m}/{date_to_clear:%d}.*'],
            followers: ['news'],
          },
          {
            name: 'listen_commit',
            queue: 'cache_clearing_commits',
            clear: [
              'commits/{commit_to_clear}/',
              'commits/{commit_to_clear:slug}/',
              'general/sanity_test_failures.{commit_to_clear}.*.html',
              'general/sanity_test_failures.{commit_to_clear:slug}.*.html',
              'general/sanity_test_failures.PageSize*.html',
            ],
            followers: ['news'],
          },
          {
            name: 'listen_file_updated',
            queue: 'cache_clearing_files',
            clear: ['ports/{pathname:below /ports/head}.*'],
            followers: ['news'],
          },
          { name: 'listen_ports_moved', ...news },
          { name: 'listen_ports_updating', ...news },
          { name: 'listen_vuxml', ...news },
          { name: 'listen_category_new', ...news },
          {
            name: 'listen_packages_imported',
            clear: [],
            followers: [],
            run: 'zfs rollback system/data/freshports-cache-packages/dev-nginx01@empty',
          },
          { name: 'news', clear: ['news/*'], followers: [] },
        ],
      } satisfies Configuration,
      notices: [],
      disabled: new Map(),
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
    expect(again).toEqual({ configuration, notices: [], disabled: new Map() });
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
    });
  });

  it('disables a handler whose key is missing, and says what to add', () => {
    const port = look(without('CATEGORY_CACHE_PATH'));
    const add =
      'CATEGORY_CACHE_PATH is missing in [dirs]: add CATEGORY_CACHE_PATH = %(BASEDIR)s/cache/categories/%%s/*';
    expect(port.problems).toEqual([]);
    expect(port.notices).toEqual([
      `the handler listen_port is disabled and cache_clearing_ports keeps its entries: ${add}`,
    ]);
    expect(port.disabled).toEqual(new Map([['listen_port', add]]));
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

describe('problems', () => {
  it('come all at once, none with a password', () => {
    const text = `[database]
HOST =
DBUSER = me
PASSWORD = hunter two
PASSWORD = hunter3
hunter4
[dirs]
BASEDIR = /var/db/freshports
PORT_CACHE_PATH = %(BASEDIR)s/cache/ports/%s/%s/*
DATE_CACHE_PATH = %(BASEDIR)s/cache/daily/%%s/%%s/*
COMMIT_CACHE_PATH = %(BASDIR)s/cache/commits/%%s/
NEWS_CACHE_DIR = cache/news
FILE_CACHE_PATH = %(BASEDIR)s/cache/ports
  %%s.*
PKG_ZFS_SNAPSHOT = pool/data
`;
    const { problems, notices } = look(text);
    // What has a problem is not missing.
    expect(notices.filter((notice) => /CATEGORY_CACHE|PORT_CACHE|COMMIT_CACHE|NEWS/.test(notice))).toEqual([
      expect.stringContaining('CATEGORY_CACHE_PATH is missing'),
    ]);
    expect(problems).toEqual([
      'line 5: PASSWORD is set in line 4 already',
      'line 6: is neither [section] nor NAME = value',
      'line 2: [database] HOST is empty: give it a value, or remove the line',
      "line 4: [database] PASSWORD has a word that is no NAME=value: put the value in single quotes, with \\' for a quote in it and \\\\ for a backslash",
      'line 9: [dirs] PORT_CACHE_PATH has a "%" that is neither %% nor %(NAME)s: write %%, and %%s where a value goes',
      'line 11: [dirs] COMMIT_CACHE_PATH refers to %(BASDIR)s, which is not set, did you mean "BASEDIR"?',
      'line 10: [dirs] DATE_CACHE_PATH has %%s 2 times where there must be %%s 3 times',
      'line 13: [dirs] FILE_CACHE_PATH goes on in the next line, since that one is indented: begin each line at the margin',
      'line 12: [dirs] NEWS_CACHE_DIR must be an absolute path',
      'line 15: [dirs] PKG_ZFS_SNAPSHOT must be a ZFS snapshot, DATASET@empty, or the absolute path of the directory of packages',
    ]);
    expect(JSON.stringify(problems)).not.toContain('hunter');
  });

  it('with both dialects in a file: one, and nothing is guessed', () => {
    const { problems, configuration } = look(`${whole}[cache]\nroot = /x\n`);
    expect(configuration).toBeUndefined();
    expect(problems).toEqual([
      expect.stringMatching(/^line 7: \[dirs\] is fp-listen's dialect, line 23: \[cache\] is uncached's own/),
    ]);
    expect(look('[database]\nDBUSER = me\n[handler.news]\nclear = news/*\n').problems).toHaveLength(1);
  });

  it('with DBUSER but no [dirs]', () => {
    const { problems, notices } = look('[database]\nDBUSER = me\n[dir]\n');
    expect(problems).toEqual(['there is no section [dirs]: nothing would ever be cleared']);
    expect(notices).toEqual(['line 3: the section [dir] means nothing, did you mean "dirs"?']);
  });
});

describe('[database]', () => {
  const database = (host: string, password = 'x') => {
    const text = `[database]\nHOST = ${host}\nDBUSER = me\nPASSWORD = ${password}\n${freshportsDirs()}`;
    const { configuration, problems, notices } = look(text);
    return { database: configuration?.database, problems, notices };
  };

  it('takes more words, the last of two equal ones', () => {
    const host = `'db' port=5433 sslmode=verify-full sslrootcert=/etc/ca.pem user=other`;
    expect(database(host)).toEqual({
      database: {
        host: 'db',
        port: [5433],
        sslmode: 'verify-full',
        sslrootcert: '/etc/ca.pem',
        user: 'me',
        password: 'x',
      },
      problems: [],
      notices: [],
    });
    expect(database('db', `x port=1`).database).toMatchObject({ password: 'x', port: [1] });
    for (const [host, password] of [
      ['db', `''`],
      ['db', ''],
      [`db user='' password=z`, `''`],
    ] as const) {
      const none = { database: { host: 'db', user: 'me' }, problems: [], notices: [] };
      expect(database(host, password)).toEqual(none);
    }
  });

  it.each([
    ['db sslmode=prefer', 'sets sslmode=prefer: uncached takes it for require', { sslmode: 'require' }],
    ['db connect_timeout=3', 'sets connect_timeout, which means nothing to uncached', { host: 'db' }],
    ['"db"', 'the double quotes belong to the value', { host: '"db"' }],
  ])('HOST = %s is worth a notice', (host, notice, settings) => {
    const found = database(host);
    expect(found.problems).toEqual([]);
    expect(found.notices).toEqual([expect.stringContaining(notice)]);
    expect(found.database).toMatchObject(settings);
  });

  it.each([
    ['db prot=1', 'x', 'line 2: [database] HOST sets "prot" that no connection has, did you mean "port"?'],
    ['db port=0', 'x', 'line 2: [database] port = 0: must be a whole number'],
    ['db hostaddr=::1', 'x', 'line 2: [database] HOST sets hostaddr: write the address as the host instead'],
    [`'db`, 'x', 'line 2: [database] HOST has a single quote that is never closed'],
    ['db', 'a%(b)s', 'line 4: [database] PASSWORD has a "%" that stands for nothing: write %%'],
    ['db', 'a%b', 'line 4: [database] PASSWORD has a "%" that stands for nothing: write %%'],
    ['db', `a b=c`, 'line 4: [database] PASSWORD sets something that no connection has'],
    ['db', `it's b`, 'line 4: [database] PASSWORD has a word that is no NAME=value'],
  ])('HOST = %s, PASSWORD = %s: %s', (host, password, problem) => {
    expect(database(host, password).problems).toEqual([expect.stringContaining(problem)]);
  });
});
