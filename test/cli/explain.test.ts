import { mkdirSync, symlinkSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { several } from '../../src/core/plural.ts';
import { eventually } from '../faults/eventually.ts';
import { freePort } from '../postgres/free-port.ts';
import { freshportsHandlers, iniFor } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';
import { explainHere } from './command-here.ts';
import { client, database, explain, nginx, site, uncachedExplain } from './explain.ts';

describe('of a page that nothing waits for', () => {
  it('shows template, key, channel, and how to clear it by hand', async () => {
    site.write([nginx]);
    const { code, stdout, stderr } = await uncachedExplain(nginx);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(`^${site.root}/${nginx}\nfile, 4 bytes, written 20\\d\\d-\\S+Z, [\\d.]+ s ago\n\n`),
    );
    expect(stdout).toContain(`
listen_port
  template  ports/{category}/{port}/*
  key       category=www port=nginx
  channel   port_updated
  queue     no entry for it
  journal   no row for it

listen_file_updated
  template  ports/{pathname:below /ports/head}.*
  key       pathname=/ports/head/www/nginx/Detail or "/www/nginx/Detail", each with or without the leading "/"
  channel   file_updated
`);
    expect(stdout).toContain(
      'No entry for it is waiting: every change committed so far has been cleared.\n' +
        'It was last cleared before it was put in place: otherwise it would be gone.\n',
    );
    expect(stdout).toMatch(/^To clear it by hand: uncached clear listen_port category=www port=nginx$/m);
  });

  it('takes a path however it is written, and refuses one outside', async () => {
    site.write([nginx]);
    const { stdout } = await explain(nginx);
    const head = stdout.split('\n')[0];
    for (const path of [`${site.root}/${nginx}`, `./${nginx}`, `${site.root}//ports/./www/nginx/Detail.html`])
      expect((await explain(path)).stdout.split('\n')[0]).toBe(head);
    for (const path of ['/etc/passwd', `${site.root}/../x`, site.root, '..', `${site.root}x/${nginx}`]) {
      expect(await explain(path)).toMatchObject({
        code: 2,
        stdout: '',
        stderr: `uncached: ${path} is not below root, which is ${site.root}\n`,
      });
    }
    expect(await uncachedExplain('/etc/passwd')).toEqual(await explain('/etc/passwd'));
  });

  it.each([
    ['daily/2020/01/03.daily.head', 'date_to_clear=2020-01-03 at any time of that day'],
    ['commits/abc/abc.www.nginx.y.html', 'commit_to_clear=abc'],
    ['commits/-2005-x-/a.html', 'commit_to_clear=-2005-x- or any other value with the slug "-2005-x-"'],
    ["commits/it's/a.html", "'commit_to_clear=it'\\''s'"],
  ])('%s: %s', async (path, key) => {
    const { code, stdout } = await explain(path);
    expect(code).toBe(0);
    expect(stdout).toContain(`  key       ${key}\n`);
    expect(stdout).toContain('There is nothing at this path now.');
  });

  it('knows a temp, and a symbolic link on the way', async () => {
    site.write(['ports/www/nginx/.Detail.html.0123456789abcdef.tmp']);
    const { stdout } = await explain('ports/www/nginx/.Detail.html.0123456789abcdef.tmp');
    expect(stdout).toContain(`A temp file: a writer is rendering the page ${nginx}, or crashed meanwhile.`);
    expect(stdout).toContain('key       category=www port=nginx');
    mkdirSync(`${site.root}/elsewhere`);
    symlinkSync('../elsewhere', `${site.root}/ports/net`);
    expect((await explain('ports/net/rsync/Detail.html')).stdout).toContain(
      'ports/net is a symbolic link, which no clearing follows',
    );
  });
});

describe('of a page that a daemon that serves its status has cleared', () => {
  it('shows when, as far as the daemon remembers', { timeout: 240_000 }, async () => {
    const more = `[http]\nlisten = ${await freePort()}`;
    const file = site.configure(iniFor(site, database.config, { more }));
    const ask = async (path: string) => (await explainHere(file, path)).stdout;
    expect(await ask(nginx)).not.toContain('  cleared ');
    site.write([nginx]);
    const keys = ['nginx', 'other'].map((port) => `('www', '${port}')`);
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ${keys.join()}`);
    const daemon = startUncached(file);
    /** The daemon's memory is left out when the daemon takes more than 2 s to answer. */
    const withCleared = (explained: () => Promise<string>) =>
      eventually(
        'told by the daemon',
        async () => {
          const stdout = await explained();
          return stdout.includes('  cleared ') ? stdout : undefined;
        },
        async () => JSON.stringify(daemon.log.slice(-10)),
      );
    try {
      await daemon.until('serving', ({ event }) => event === 'serving');
      const { files } = await daemon.until('clearing', ({ event }) => event === 'cleared');
      expect(site.pages()).toEqual([]);
      const run = async () => (await uncached(['--config', file, 'explain', nginx])).stdout;
      // No file if the read of the journal at the start has cleared the entries, too, and was faster.
      const batch = `a batch of 2 entries and ${several(Number(files), 'file')}`;
      expect(await withCleared(run)).toMatch(
        new RegExp(`^ {2}cleared {3}[\\d.]+ s ago, in ${batch}, [\\d.]+ s after the oldest was made$`, 'm'),
      );
      expect(await withCleared(() => ask('ports/www/never/x'))).toMatch(
        /^ {2}cleared {3}not among the daemon's last \d+ batch(es)?$/m,
      );
      symlinkSync('www', `${site.root}/ports/link`);
      await client.query(
        `INSERT INTO cache_clearing_ports (category, port) VALUES ('link', 'nginx'); NOTIFY port_updated`,
      );
      await daemon.until('failed clearing', ({ event }) => event === 'clear-failed');
      expect(await withCleared(() => ask('ports/link/nginx/x'))).toMatch(
        /^ {2}cleared {3}not among the daemon's last \d+ batch(es)?$/m,
      );
      const many = Array.from({ length: 20 }, (_one, at) => `('net', 'port${at}')`);
      await client.query(
        `INSERT INTO cache_clearing_ports (category, port) VALUES ${many.join()}; NOTIFY port_updated`,
      );
      await daemon.until('second clearing', ({ event, entries }) => event === 'cleared' && entries === 20);
      expect(await withCleared(() => ask('ports/www/never/x'))).toMatch(
        /^ {2}cleared {3}perhaps: the daemon remembers 3 of the batch's 20 keys; [\d.]+ s ago, in a batch of 20 entries/m,
      );
      const long = 'a'.repeat(230);
      await client.query(
        `INSERT INTO cache_clearing_commits (commit_to_clear) VALUES ('${long}'); NOTIFY commit_updated`,
      );
      await daemon.until(
        'third clearing',
        (line) => line.event === 'cleared' && line.handler === 'listen_commit',
      );
      expect(await withCleared(() => ask(`commits/${long}/x`))).toMatch(
        /^ {2}cleared {3}perhaps: the daemon remembers 0 of the batch's 1 key; /m,
      );
    } finally {
      await daemon.stop();
    }
  });
});

describe('of a page that no template names', () => {
  it.each([
    ['prots/www/nginx/x', 'No template begins with prots/, did you mean "ports"?'],
    [
      'daily/2020/01/x.daily',
      'The nearest is daily/{date_to_clear:%Y}/{date_to_clear:%m}/{date_to_clear:%d}.* of listen_date_updated: it matches as far as daily/{date_to_clear:%Y}/{date_to_clear:%m}/.',
    ],
    [
      'ports/www/nginx',
      'The nearest is ports/{category}/{port}/* of listen_port: it matches as far as ports/{category}/{port}/.',
    ],
    ['news/.hidden', 'A wildcard never matches a leading dot.'],
  ])('%s: %s', async (path, text) => {
    const { code, stdout, stderr } = await explain(path);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout).toContain('No template matches it: no change in the database will ever clear it.');
    expect(stdout).toContain(text);
  });

  it('mentions commands, whose effects are unknown', async () => {
    const handlers = `${freshportsHandlers}\n[handler.packages]\nrun = zfs rollback a/b@empty\n`;
    expect((await explain('packages/x', { handlers })).stdout).toContain(
      'A command of packages may delete it: zfs rollback a/b@empty\n',
    );
  });
});
