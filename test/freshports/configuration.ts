import type { Connection } from '../postgres/connection.ts';
import { iniFor, type Site } from '../site.ts';

export interface Options {
  readonly settle?: string;
  readonly more?: string;
  readonly handlers?: string;
  /** Default: `cache/news`. */
  readonly news?: string;
}

export const snapshot = 'system/data/freshports-cache-packages/dev-nginx01@empty';

/** One site's configuration, for either daemon. */
export function configurations(
  site: Pick<Site, 'root'>,
  connection: Connection,
  options: Options = {},
): { uncached: string; predecessor: string } {
  return {
    uncached: iniFor(
      site,
      { ...connection, user: 'listening' },
      {
        settle: options.settle ?? '0s',
        ...(options.more !== undefined && { more: options.more }),
        handlers: options.handlers ?? handlers(options.news ?? 'news'),
      },
    ),
    predecessor: fpListen(site, connection, options.news ?? 'news'),
  };
}

function fpListen({ root }: Pick<Site, 'root'>, { host, port }: Connection, news: string): string {
  return `[database]
HOST     = ${host} port=${port}
DBNAME   = freshports.org
DBUSER   = listening
PASSWORD = 'secret'

[dirs]
BASEDIR                = ${root.replace(/\/cache$/, '')}
PORT_CACHE_PATH        = %(BASEDIR)s/cache/ports/%%s/%%s/*
CATEGORY_CACHE_PATH    = %(BASEDIR)s/cache/categories/%%s/*
DATE_CACHE_PATH        = %(BASEDIR)s/cache/daily/%%s/%%s/%%s.*
COMMIT_CACHE_PATH      = %(BASEDIR)s/cache/commits/%%s/
SANITY_CACHE_PATH      = %(BASEDIR)s/cache/general/sanity_test_failures.%%s.*.html
SANITY_MAIN_CACHE_PATH = %(BASEDIR)s/cache/general/sanity_test_failures.PageSize*.html
FILE_CACHE_PATH        = %(BASEDIR)s/cache/ports%%s.*
NEWS_CACHE_DIR         = %(BASEDIR)s/cache/${news}
PKG_ZFS_SNAPSHOT       = ${snapshot}
`;
}

export const handlers = (news: string) => `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
clear[] = categories/{category}/*
then = news
[handler.listen_date_updated]
queue = cache_clearing_dates
clear[] = daily/{date_to_clear:%Y}/{date_to_clear:%m}/{date_to_clear:%d}.*
then = news
[handler.listen_commit]
queue = cache_clearing_commits
clear[] = commits/{commit_to_clear}/
clear[] = commits/{commit_to_clear:slug}/
clear[] = general/sanity_test_failures.{commit_to_clear}.*.html
clear[] = general/sanity_test_failures.PageSize*.html
then = news
[handler.listen_file_updated]
queue = cache_clearing_files
clear[] = ports/{pathname:path}.*
then = news
[handler.listen_ports_moved]
then = news
[handler.listen_ports_updating]
then = news
[handler.listen_vuxml]
then = news
[handler.listen_category_new]
then = news
[handler.listen_packages_imported]
run = zfs rollback ${snapshot}
[handler.news]
clear[] = ${news}/*
`;
