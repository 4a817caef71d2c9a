import { format } from '../../src/config/format-configuration.ts';
import { load } from '../../src/config/load.ts';
import type { Connection } from '../postgres/connection.ts';
import type { Site } from '../site.ts';

export const snapshot = 'system/data/freshports-cache-packages/dev-nginx01@empty';

/** The site's fp-listen.ini, which both daemons read. `news`: the path of the news in it. */
export function fpListenIni(
  { root }: Pick<Site, 'root'>,
  { host, port, database }: Connection,
  news = 'news',
): string {
  return `[database]
HOST     = ${host} port=${port}
DBNAME   = ${database}
DBUSER   = listening
PASSWORD = 'it\\'s secret'

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

[flags]
WWWENPortsCategoriesFlag = /var/db/freshports/signals/WWWENPortsCategoriesFlag
JOBWAITING               = /var/db/freshports/signals/job_waiting
`;
}

/** Options that fp-listen.ini has no names for. */
export interface Extra {
  readonly settle?: string;
  readonly sweep?: string;
  /** Additional sections. */
  readonly sections?: string;
}

/**
 * The uncached.ini that `uncached config --show-password` prints for an fp-listen.ini, with changes. There is
 * no heartbeat: after one that is late on a busy machine, the news and the packages are cleared once more,
 * and tests know what must stay.
 */
export function uncachedIni(file: string, { settle = '0s', sweep = '60s', sections = '' }: Extra): string {
  const { configuration } = load(file);
  const ini = format(configuration, { showPassword: true })
    .replace(/^settle = .*$/m, `settle = ${settle}`)
    .replace(/^sweep = .*$/m, `sweep = ${sweep}`)
    .replace(/^heartbeat = .*$/m, 'heartbeat = 1h');
  return `${ini}\n${sections}`;
}
