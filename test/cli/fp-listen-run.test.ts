import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { channels, client, dirs, ini, makeZfs, others, pages, site } from './fp-listen.ts';
import { isLate } from './late.ts';

let daemon: RunningDaemon | undefined;

// Vitest runs this before the imported afterEach, which removes the site.
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
});

describe('run, with an fp-listen.ini', () => {
  it('clears for every handler what fp-listen should have cleared, and nothing else', async () => {
    const zfs = makeZfs();
    site.write([...Object.values(pages).flat(), ...others]);
    const running = startUncached(site.configure(ini()), zfs.env);
    daemon = running;
    // A handler without a queue clears at every start.
    for (const handler of Object.values(channels)) {
      await running.until(
        `catch-up of ${handler}`,
        (line) => line.event === 'cleared' && line.handler === handler,
      );
    }
    expect(running.log.filter((line) => line.level > 30 && !isLate(line))).toEqual([]);
    // It may be asked again: at the second clearing.
    expect(new Set(readFileSync(zfs.asked, 'utf8').trim().split('\n'))).toEqual(
      new Set(['rollback system/data/freshports-cache-packages/dev-nginx01@empty']),
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
      .replace(/^PORT_CACHE_PATH.*$/m, '')
      .replace(/^PKG_ZFS_SNAPSHOT.*$/m, '')
      .replace(/^NEWS_CACHE_DIR.*$/m, "NEWS_CACHE_DIR = '%(BASEDIR)s/cache/news/*'");
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx')`);
    await client.query(`INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03')`);
    const running = startUncached(site.configure(ini(text)), makeZfs().env);
    daemon = running;
    await running.until('catch-up', ({ handler }) => handler === 'listen_date_updated');
    await running.until('what waits', ({ event }) => event === 'problem-found');
    const warnings = running.log.filter((line) => line.level >= 40 && !isLate(line));
    expect(warnings.map(({ event, level }) => `${event} ${level}`).sort()).toEqual([
      'disabled-handler 40',
      'disabled-handler 40',
      'notice 40',
      'notice 40',
      'notice 40',
      'problem-found 50',
    ]);
    const told = warnings.map(({ msg }) => msg).join('\n');
    expect(told).toContain('[dirs] NEWS_CACHE_DIR: the quotes belong to the value');
    expect(told).toContain(
      'channel port_updated asks for the handler "listen_port", which is disabled: PORT_CACHE_PATH is missing in [dirs]: add PORT_CACHE_PATH = %(BASEDIR)s/cache/ports/%%s/%%s/*',
    );
    expect(told).toContain('"listen_packages_imported", which is disabled: PKG_ZFS_SNAPSHOT is missing');
    expect(told).not.toContain('[handler.');
    expect(site.pages()).toEqual([]);
    const { rows } = await client.query('SELECT count(*)::int AS waiting FROM cache_clearing_ports');
    expect(rows).toEqual([{ waiting: 1 }]);

    // Everything is corrected except the quotes, without a restart.
    site.configure(ini(dirs().replace(/^NEWS_CACHE_DIR.*$/m, "NEWS_CACHE_DIR = '%(BASEDIR)s/cache/news/*'")));
    site.write(pages.port);
    const from = running.log.length;
    process.kill(running.pid, 'SIGHUP');
    await running.until('clearing', ({ event, handler }) => event === 'cleared' && handler === 'listen_port');
    expect(site.pages()).toEqual([]);
    expect(running.log.slice(from).filter(({ event }) => event === 'notice')).toHaveLength(1);
  });
});
