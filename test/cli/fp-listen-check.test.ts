import { existsSync, rmSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { fpListenFor } from '../fp-listen-ini.ts';
import { uncached } from '../uncached.ts';
import { checkHere } from './command-here.ts';
import { channels, client, database, dirs, ini, makeZfs, others, pages, site } from './fp-listen.ts';

describe('check, of an fp-listen.ini', () => {
  const check = (text: string) => {
    vi.stubEnv('PATH', makeZfs().env.PATH);
    return checkHere(site.configure(ini(text)));
  };
  afterEach(() => {
    vi.unstubAllEnvs();
  });
  const all = [...Object.values(pages).flat(), ...others];

  it('is content with what is right', async () => {
    site.write(all);
    const { env } = makeZfs();
    expect(await uncached(['--config', site.configure(ini()), 'check'], env)).toEqual({
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

  it('does not report a disabled handler as an unknown one', async () => {
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

  it('advises the tables of the daemon alone where there are none, for the rest is there already', async () => {
    site.write(all);
    const empty = { ...database.config, database: 'template1' };
    const file = site.configure(fpListenFor(site, empty, dirs()));
    const { code, stdout } = await checkHere(file);
    expect(code).toBe(1);
    expect(stdout).toContain(
      'table uncached.log does not exist: install it: uncached schema --journal-only | psql -d template1\n',
    );
    expect(stdout).not.toContain('uncached.root');
  });

  it('says where a root that is not there comes from', async () => {
    rmSync(site.root, { recursive: true });
    const { code, stdout } = await check(dirs());
    expect(code).toBe(1);
    expect(stdout).toContain(`[cache] root = ${site.root} does not exist`);
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

  it('shows what the environment sets, where a file of this dialect has no words for it', async () => {
    const file = site.configure(ini());
    const env = { UNCACHED_SETTLE: '30s', UNCACHED_HTTP_LISTEN: '127.0.0.1:9797' };
    const { code, stdout, stderr } = await uncached(['--config', file, 'config'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain('\nsettle = 30s\n');
    expect(stdout).toContain('\nlisten = 127.0.0.1:9797\n');
    expect(stdout).toContain('\n; [cache] settle comes from UNCACHED_SETTLE in the environment\n');
    const wrong = await uncached(['--config', file, 'config'], { UNCACHED_SETTLE: '30' });
    expect(wrong).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^uncached: UNCACHED_SETTLE=30 in the environment: must be a time/),
    });
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
