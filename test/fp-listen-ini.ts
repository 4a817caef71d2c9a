import { dirname } from 'node:path';
import type { Connection } from './postgres/connection.ts';
import type { Site } from './site.ts';

/** The sections [dirs] and [flags] of FreshPorts. */
export function freshportsDirs(base = '/var/db/freshports'): string {
  return `[dirs]
BASEDIR                = ${base}

PORT_CACHE_PATH        = %(BASEDIR)s/cache/ports/%%s/%%s/*
CATEGORY_CACHE_PATH    = %(BASEDIR)s/cache/categories/%%s/*
DATE_CACHE_PATH        = %(BASEDIR)s/cache/daily/%%s/%%s/%%s.*
COMMIT_CACHE_PATH      = %(BASEDIR)s/cache/commits/%%s/
SANITY_CACHE_PATH      = %(BASEDIR)s/cache/general/sanity_test_failures.%%s.*.html
SANITY_MAIN_CACHE_PATH = %(BASEDIR)s/cache/general/sanity_test_failures.PageSize*.html
FILE_CACHE_PATH        = %(BASEDIR)s/cache/ports%%s.*
NEWS_CACHE_DIR         = %(BASEDIR)s/cache/news
PKG_ZFS_SNAPSHOT       = system/data/freshports-cache-packages/dev-nginx01@empty

[flags]
WWWENPortsCategoriesFlag = /var/db/freshports/signals/WWWENPortsCategoriesFlag
JOBWAITING               = /var/db/freshports/signals/job_waiting
`;
}

export const freshportsDatabase = `[database]
HOST     = pg.example.org
DBNAME   = freshports.org
DBUSER   = listening
PASSWORD = 'it\\'s; 50%% #1'

`;

/** A complete fp-listen.ini for a site and a database. */
export function fpListenFor(
  site: Pick<Site, 'root'>,
  { host, port, user, database, password }: Connection,
  dirs = freshportsDirs(dirname(site.root)),
): string {
  return `[database]
HOST: ${quoted(host)} port=${port}
DBNAME: ${quoted(database)}
dbuser = ${quoted(user)}
${password === undefined ? '' : `Password = ${quoted(password)}`}
${dirs}`;
}

function quoted(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&').replaceAll('%', '%%')}'`;
}
