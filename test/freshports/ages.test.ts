import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../postgres/connection.ts';
import { uncached } from '../uncached.ts';
import { snapshot } from './configuration.ts';
import { freshPorts } from './incident.ts';
import { below, tree, untouchable } from './tree.ts';

const at = freshPorts();

const nginx = below('ports/www/nginx/');
const categories = below('categories/www/');
const day = below('daily/2020/01/03.');
const news = below('news/');
const commit = below(
  'commits/b1f9d52c0a5e/',
  'general/sanity_test_failures.b1f9d52c0a5e.',
  'general/sanity_test_failures.PageSize',
);
const moved = below('ports/MOVED.');

interface Age {
  readonly version: string;
  readonly what: string;
  /** The lines below [database], in libpq's keywords as that version has them. */
  readonly database: (at: Connection) => string;
  readonly dirs: (base: string) => string;
  /** The pages that are deleted when one entry of each queue is cleared. */
  readonly cleared: readonly string[];
  /** Entries of these queues are not claimed. */
  readonly waiting: readonly string[];
  readonly notices: readonly RegExp[];
}

const plain = ({ host, port, database }: Connection) => `HOST = ${host} port=${port}
DBNAME = ${database}
DBUSER = listening
PASSWORD = 'x'`;

const quotes = /the quotes belong to the value/;

/** For each age of FreshPorts' fp-listen.ini: its names and their forms, but not its exact text. */
const ages: readonly Age[] = [
  {
    version: '1.0.4',
    what: 'with quotes everywhere',
    database: ({ host, port, database }) => `HOST = '${host}' port='${port}'
DBNAME = '${database}'
DBUSER = 'listening'
PASSWORD = 'x'`,
    dirs: (base) => `BASEDIR = '${base}'
PORT_CACHE_PATH = '%(BASEDIR)s/cache/ports/%%s/%%s/*'
DATE_CACHE_PATH = "%(BASEDIR)s/cache/daily/%%s/%%s/%%s.*"
NEWS_CACHE_DIR = '%(BASEDIR)s/cache/news/*'`,
    cleared: [...nginx, ...day, ...news],
    waiting: ['cache_clearing_commits', 'cache_clearing_files'],
    notices: [
      quotes,
      quotes,
      quotes,
      quotes,
      /categories/,
      /listen_commit/,
      /listen_file/,
      /listen_packages/,
    ],
  },
  {
    version: '1.0.10',
    what: 'with ports, dates and news',
    database: plain,
    dirs: (base) => `BASEDIR = ${base}
PORT_CACHE_PATH = %(BASEDIR)s/cache/ports/%%s/%%s/*
DATE_CACHE_PATH = %(BASEDIR)s/cache/daily/%%s/%%s/%%s.*
NEWS_CACHE_DIR = %(BASEDIR)s/cache/news/*`,
    cleared: [...nginx, ...day, ...news],
    waiting: ['cache_clearing_commits', 'cache_clearing_files'],
    notices: [/categories/, /listen_commit/, /listen_file/, /listen_packages/],
  },
  {
    version: '1.3.0',
    what: 'with categories, too',
    database: plain,
    dirs: (base) => `BASEDIR = ${base}
PORT_CACHE_PATH = %(BASEDIR)s/cache/ports/%%s/%%s/*
CATEGORY_CACHE_PATH = %(BASEDIR)s/cache/categories/%%s/*
DATE_CACHE_PATH = %(BASEDIR)s/cache/daily/%%s/%%s/%%s.*
NEWS_CACHE_DIR = %(BASEDIR)s/cache/news`,
    cleared: [...nginx, ...categories, ...day, ...news],
    waiting: ['cache_clearing_commits', 'cache_clearing_files'],
    notices: [/listen_commit/, /listen_file/, /listen_packages/],
  },
  {
    version: '2.0.2',
    what: 'with commits, files and packages, too',
    database: ({ host, port, database }) => `HOST = ${host} port=${port}
DBNAME = '${database}'
DBUSER = 'listening'
PASSWORD = ''`,
    dirs: (base) => `BASEDIR = ${base}
SCRIPTDIR = /usr/local/libexec/freshports
PORT_CACHE_PATH = %(BASEDIR)s/cache/ports/%%s/%%s/*
CATEGORY_CACHE_PATH = %(BASEDIR)s/cache/categories/%%s/*
DATE_CACHE_PATH = %(BASEDIR)s/cache/daily/%%s/%%s/%%s.*
COMMIT_CACHE_PATH = %(BASEDIR)s/cache/commits/%%s/
SANITY_CACHE_PATH = %(BASEDIR)s/cache/general/sanity_test_failures.%%s.*.html
SANITY_MAIN_CACHE_PATH = %(BASEDIR)s/cache/general/sanity_test_failures.PageSize*.html
FILE_CACHE_PATH = %(BASEDIR)s/cache/ports/%%s.PageSize*.PageNum*.html
NEWS_CACHE_DIR = %(BASEDIR)s/cache/news/
PKG_ZFS_SNAPSHOT = ${snapshot}`,
    cleared: [...nginx, ...categories, ...day, ...commit, ...moved, ...news],
    waiting: [],
    notices: [],
  },
];

describe.each(ages)('fp-listen.ini of version $version, $what', ({ database, dirs, ...expected }) => {
  it('clears what it names, and nothing else; what it does not name waits', {
    timeout: 120_000,
  }, async () => {
    const { site } = at;
    const folder = dirname(site.site.root);
    const file = join(folder, 'fp-listen.ini');
    writeFileSync(file, `[database]\n${database(site.administrator)}\n\n[dirs]\n${dirs(folder)}\n`);
    site.write(tree);
    await site.query(
      'postgres',
      `INSERT INTO cache_clearing_ports (port_id, category, port) VALUES (1, 'www', 'nginx');
       INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03');
       INSERT INTO cache_clearing_commits (commit_to_clear) VALUES ('b1f9d52c0a5e');
       INSERT INTO cache_clearing_files (pathname) VALUES ('/ports/head/MOVED')`,
    );

    const config = await uncached(['--config', file, 'config']);
    const notices = config.stdout.split('\n').filter((line) => line.startsWith('; notice: '));
    expect(notices).toEqual(expected.notices.map((notice) => expect.stringMatching(notice)));

    const drain = await uncached(['--config', file, 'drain'], { UNCACHED_SETTLE: '0s' });
    expect(drain).toMatchObject({ code: 0, stderr: '' });
    const left = [...tree, ...untouchable].filter((page) => !expected.cleared.includes(page));
    expect(site.site.pages()).toEqual(left.sort());
    for (const table of ['ports', 'dates', 'commits', 'files'].map((name) => `cache_clearing_${name}`)) {
      expect({ table, waiting: await site.backlog(table) }).toEqual({
        table,
        waiting: expected.waiting.includes(table) ? 1 : 0,
      });
    }
  });
});
