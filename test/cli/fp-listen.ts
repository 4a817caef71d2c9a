import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll } from 'vitest';
import { fpListenFor, freshportsDirs } from '../fp-listen-ini.ts';
import { client, database, site } from './site-and-database.ts';

/* A site with an fp-listen.ini, and its database. Importing this registers their hooks. */

export { client, database, site } from './site-and-database.ts';

/** In addition to the four of a new database. */
export const channels = {
  ports_moved: 'listen_ports_moved',
  ports_updating: 'listen_ports_updating',
  vuxml: 'listen_vuxml',
  category_new: 'listen_category_new',
  packages_imported: 'listen_packages_imported',
};

beforeAll(async () => {
  for (const channel of Object.entries(channels)) {
    await client.query('INSERT INTO listen_for (name, script_name) VALUES ($1, $2)', channel);
  }
});

export const dirs = () => freshportsDirs(dirname(site.root));
export const ini = (text = dirs()) => fpListenFor(site, database.config, text);

export const pages = {
  port: ['ports/www/nginx/Detail.Part1.head.PageSize100.PageNum1.html', 'categories/www/www.guest.head.html'],
  date: ['daily/2020/01/03.daily.head'],
  commit: [
    'commits/201001010000.o0100001@repoman.freebsd.org/x.html',
    'commits/201001010000-o0100001-repoman-freebsd-org/x.html',
    'general/sanity_test_failures.201001010000-o0100001-repoman-freebsd-org.PageSize9.PageNum1.html',
    'general/sanity_test_failures.PageSize100.PageNum1.html',
  ],
  file: ['ports/MOVED.PageSize100.PageNum1.html', 'ports/Mk/bsd.port.mk.PageSize100.PageNum1.html'],
  news: ['news/front.html', 'news/feeds/atom.xml'],
};
export const others = [
  'categories/kde/kde.guest.head.html',
  'commits/abc/x.html',
  'daily/2020/01/04.daily.head',
  'general/sanity_test_failures.abc.PageSize9.PageNum1.html',
  'html/x.html',
  'packages/x.html',
  'pages/x.html',
  'ports/www/nginx-devel/Detail.html',
  'searchlog.txt',
  'spooling/tmp',
];

/** A program `zfs` that records its arguments, and the PATH that contains it. */
export function makeZfs(): { env: { PATH: string }; asked: string } {
  const folder = join(dirname(site.root), 'bin');
  const asked = join(folder, 'asked');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'zfs'), `#!/bin/sh\necho "$*" >> '${asked}'\n`);
  chmodSync(join(folder, 'zfs'), 0o755);
  return { env: { PATH: `${folder}:${process.env.PATH}` }, asked };
}
