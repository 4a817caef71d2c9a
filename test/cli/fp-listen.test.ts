import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fpListenFor, freshportsDirs } from '../fp-listen-ini.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';

const database = testDatabase();
let site: Site;
let client: Client;
let daemon: RunningDaemon | undefined;

/** Besides the four of a new database. */
const channels = {
  ports_moved: 'listen_ports_moved',
  ports_updating: 'listen_ports_updating',
  vuxml: 'listen_vuxml',
  category_new: 'listen_category_new',
  packages_imported: 'listen_packages_imported',
};

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
  for (const channel of Object.entries(channels)) {
    await client.query('INSERT INTO listen_for (name, script_name) VALUES ($1, $2)', channel);
  }
});
afterAll(() => client.end());
beforeEach(() => {
  site = makeSite();
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  await client.query(
    'TRUNCATE uncached.journal, cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files',
  );
  site.remove();
});

const dirs = () => freshportsDirs(dirname(site.root));
const ini = (text = dirs()) => fpListenFor(site, database.config, text);

const pages = {
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
const others = [
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

/** A program `zfs` that writes down what it was asked for, and the PATH that leads to it. */
function makeZfs(): { env: { PATH: string }; asked: string } {
  const folder = join(dirname(site.root), 'bin');
  const asked = join(folder, 'asked');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'zfs'), `#!/bin/sh\necho "$*" >> '${asked}'\n`);
  chmodSync(join(folder, 'zfs'), 0o755);
  return { env: { PATH: `${folder}:${process.env.PATH}` }, asked };
}

describe('run, with an fp-listen.ini', () => {
  it('clears for every handler what fp-listen should have cleared, and nothing else', async () => {
    const zfs = makeZfs();
    site.write([...Object.values(pages).flat(), ...others]);
    const running = startUncached(site.configure(ini()), zfs.env);
    daemon = running;
    // What has no queue clears at every start.
    for (const handler of Object.values(channels)) {
      await running.until(
        `catch-up of ${handler}`,
        (line) => line.event === 'cleared' && line.handler === handler,
      );
    }
    expect(running.log.filter(({ level }) => level > 30)).toEqual([]);
    expect(readFileSync(zfs.asked, 'utf8')).toBe(
      'rollback system/data/freshports-cache-packages/dev-nginx01@empty\n',
    );

    const clears = async (statement: string, handler: string, gone: readonly string[]) => {
      site.write(pages.news);
      const before = site.pages();
      const from = running.log.length;
      await client.query(statement);
      await running.until(
        `clearing of ${handler}`,
        (line) => line.event === 'cleared' && line.handler === handler && running.log.indexOf(line) >= from,
      );
      expect(site.pages()).toEqual(before.filter((page) => ![...gone, ...pages.news].includes(page)));
    };
    await clears(
      `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx'); NOTIFY port_updated`,
      'listen_port',
      pages.port,
    );
    await clears(
      `INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03'); NOTIFY date_updated`,
      'listen_date_updated',
      pages.date,
    );
    await clears(
      `INSERT INTO cache_clearing_commits (commit_to_clear) VALUES ('201001010000.o0100001@repoman.FreeBSD.org'), ('201001010000.o0100001@repoman.freebsd.org'); NOTIFY commit_updated`,
      'listen_commit',
      pages.commit,
    );
    await clears(
      `INSERT INTO cache_clearing_files (pathname) VALUES ('/ports/head/MOVED'), ('/ports/head/Mk/bsd.port.mk'); NOTIFY file_updated`,
      'listen_file_updated',
      pages.file,
    );
    for (const [channel, handler] of Object.entries(channels)) {
      if (channel !== 'packages_imported') await clears(`NOTIFY ${channel}`, handler, []);
    }
    expect(site.pages().sort()).toEqual(others);
  });

  it('goes on without a key: says so once, and the entries wait', async () => {
    site.write(pages.date);
    const text = dirs()
      .replace(/^CATEGORY_CACHE_PATH.*$/m, '')
      .replace(/^PKG_ZFS_SNAPSHOT.*$/m, '')
      .replace(/^NEWS_CACHE_DIR.*$/m, "NEWS_CACHE_DIR = '%(BASEDIR)s/cache/news/*'");
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx')`);
    await client.query(`INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03')`);
    const running = startUncached(site.configure(ini(text)), makeZfs().env);
    daemon = running;
    await running.until('catch-up', ({ handler }) => handler === 'listen_date_updated');
    const warnings = running.log.filter(({ level }) => level >= 40);
    expect(warnings.map(({ event, level }) => `${event} ${level}`).sort()).toEqual([
      'disabled-handler 40',
      'disabled-handler 40',
      'notice 40',
      'notice 40',
      'notice 40',
    ]);
    const told = warnings.map(({ msg }) => msg).join('\n');
    expect(told).toContain('[dirs] NEWS_CACHE_DIR: the quotes belong to the value');
    expect(told).toContain(
      'channel port_updated asks for the handler "listen_port", which is disabled: CATEGORY_CACHE_PATH is missing in [dirs]: add CATEGORY_CACHE_PATH = %(BASEDIR)s/cache/categories/%%s/*',
    );
    expect(told).toContain('"listen_packages_imported", which is disabled: PKG_ZFS_SNAPSHOT is missing');
    expect(told).not.toContain('[handler.');
    expect(site.pages()).toEqual([]);
    const { rows } = await client.query('SELECT count(*)::int AS waiting FROM cache_clearing_ports');
    expect(rows).toEqual([{ waiting: 1 }]);

    // Mended but for the quotes, without a restart.
    site.configure(ini(dirs().replace(/^NEWS_CACHE_DIR.*$/m, "NEWS_CACHE_DIR = '%(BASEDIR)s/cache/news/*'")));
    site.write(pages.port);
    const from = running.log.length;
    process.kill(running.pid, 'SIGHUP');
    await running.until('clearing', ({ event, handler }) => event === 'cleared' && handler === 'listen_port');
    expect(site.pages()).toEqual([]);
    expect(running.log.slice(from).filter(({ event }) => event === 'notice')).toHaveLength(1);
  });
});

describe('check, of an fp-listen.ini', () => {
  const check = (text: string) => uncached(['--config', site.configure(ini(text)), 'check'], makeZfs().env);
  const all = [...Object.values(pages).flat(), ...others];

  it('is content with what is right', async () => {
    site.write(all);
    expect(await check(dirs())).toEqual({
      code: 0,
      stdout: `no problems: 10 handlers, root ${site.root}\n`,
      stderr: '',
    });
  });

  it('does not miss channels that the site has not yet', async () => {
    site.write(all);
    await client.query('BEGIN');
    await client.query(`DELETE FROM listen_for WHERE script_name IN ('listen_vuxml', 'listen_category_new')`);
    await client.query('COMMIT');
    try {
      expect((await check(dirs())).stdout).toContain('no problems: 10 handlers');
    } finally {
      for (const channel of ['vuxml', 'category_new'] as const) {
        await client.query('INSERT INTO listen_for (name, script_name) VALUES ($1, $2)', [
          channel,
          channels[channel],
        ]);
      }
    }
  });

  it('shows a quoted path as a notice, and is content', async () => {
    site.write(all);
    const { code, stdout } = await check(
      dirs().replace(/^NEWS_CACHE_DIR.*$/m, "NEWS_CACHE_DIR = '%(BASEDIR)s/cache/news/*'"),
    );
    expect(code).toBe(0);
    expect(stdout).toMatch(/^notice: .*\[dirs\] NEWS_CACHE_DIR: the quotes belong to the value/);
    expect(stdout).toContain('\nno problems, 1 notice: 10 handlers');
  });

  it.each([
    ['NEWS_CACHE_DIR', '%(BASEDIR)s/cache/new/*', 'new', 'news'],
    ['NEWS_CACHE_DIR', '%(BASEDIR)s/cache/new', 'new', 'news'],
    ['DATE_CACHE_PATH', '%(BASEDIR)s/cache/dialy/%%s/%%s/%%s.*', 'dialy', 'daily'],
    ['FILE_CACHE_PATH', '%(BASEDIR)s/cache/port%%s.*', 'port', 'ports'],
  ])('names a misspelt %s = %s, and the directory that is near', async (key, value, wrong, right) => {
    site.write(all);
    const { code, stdout } = await check(
      dirs().replace(new RegExp(`^${key}.*$`, 'm'), () => `${key} = ${value}`),
    );
    expect(code).toBe(1);
    expect(stdout).toContain(
      `matches nothing: there is no directory ${site.root}/${wrong}, did you mean "${right}"?\n1 problem\n`,
    );
  });

  it('does not tell a disabled handler for an unknown one', async () => {
    site.write(all);
    const { code, stdout } = await check(dirs().replace(/^FILE_CACHE_PATH.*$/m, ''));
    expect(code).toBe(0);
    expect(stdout).toContain(
      'the handler listen_file_updated is disabled and cache_clearing_files keeps its entries',
    );
    expect(stdout).not.toContain('not configured');
    const file = site.configure(ini(dirs().replace(/^FILE_CACHE_PATH.*$/m, '')));
    const cleared = await uncached([
      '--config',
      file,
      'clear',
      'listen_file_updated',
      'pathname=/ports/head/MOVED',
    ]);
    expect(cleared.code).toBe(2);
    expect(cleared.stderr).toContain(
      '"listen_file_updated" is disabled: FILE_CACHE_PATH is missing in [dirs]: add',
    );
  });

  it('says where a root that is not there comes from', async () => {
    rmSync(site.root, { recursive: true });
    const { code, stdout } = await check(dirs());
    expect(code).toBe(1);
    expect(stdout).toContain(`root ${site.root} does not exist`);
    expect(stdout).toContain('BASEDIR');
    expect(existsSync(site.root)).toBe(false);
  });
});

describe('config, of an fp-listen.ini', () => {
  it('prints the password only if asked for', async () => {
    const file = site.configure(fpListenFor(site, { ...database.config, password: `it's 50% #1` }));
    const { stdout } = await uncached(['--config', file, 'config', '--show-password']);
    expect(stdout).toContain(`\npassword = "it's 50% #1"\n`);
    const masked = await uncached(['--config', file, 'config']);
    expect(masked.stdout).toContain('\npassword = ********\n');
    expect(masked.stdout).not.toContain('50%');
  });

  it('prints a file in the native dialect that is good as it is', async () => {
    site.write([...Object.values(pages).flat(), ...others]);
    const file = site.configure(ini());
    const masked = await uncached(['--config', file, 'config']);
    const { code, stdout } = await uncached(['--config', file, 'config', '--show-password']);
    expect(code).toBe(0);
    const common = (text: string) => text.replace(/^(password|; the password) .*\n/gm, '');
    expect(common(masked.stdout)).toBe(common(stdout));
    expect(await uncached(['--config', site.configure(stdout), 'check'], makeZfs().env)).toMatchObject({
      code: 0,
      stdout: `no problems: 10 handlers, root ${site.root}\n`,
    });
  });
});
