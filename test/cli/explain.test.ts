import { mkdirSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
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
  log       no row for it
  cleared   not as far as the log goes back (keep)

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

describe('of a page that was cleared', () => {
  it('shows when, because of which entry and in which caches, as far as the log goes back', {
    timeout: 240_000,
  }, async () => {
    const file = site.configure(iniFor(site, database.config));
    const ask = async (path: string) => (await explainHere(file, path)).stdout;
    site.write([nginx]);
    const keys = ['nginx', 'other'].map((port) => `('www', '${port}')`);
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ${keys.join()}`);
    const daemon = startUncached(file);
    /** The daemon writes its cursors a moment later. */
    const untilSays = (explained: () => Promise<string>, what: RegExp) =>
      eventually(
        `told ${what}`,
        async () => what.test(await explained()) || undefined,
        async () => `${await explained()}\n${JSON.stringify(daemon.log.slice(-10))}`,
      );
    const cache = `files on ${hostname()} \\(${site.root}\\)`;
    try {
      await daemon.until('clearing', ({ event }) => event === 'cleared');
      const run = async () => (await uncached(['--config', file, 'explain', nginx])).stdout;
      const entry =
        'row \\d+ for category=www port=nginx, claimed [\\d.]+ s ago, [\\d.]+ s after its oldest entry';
      await untilSays(run, new RegExp(`^ {2}cleared {3}${entry}\\n {12}${cache}: cleared, settled$`, 'm'));
      expect(await ask('ports/net/never/x')).toMatch(
        /^ {2}cleared {3}not as far as the log goes back \(keep\)$/m,
      );
      // What follows each batch was cleared with the last one.
      expect(await ask('news/x')).toMatch(
        /^listen_port\n(?: .*\n)* {2}cleared {3}row \d+ for category=www port=(nginx|other), claimed /m,
      );
      symlinkSync('www', `${site.root}/ports/link`);
      await client.query(
        `INSERT INTO cache_clearing_ports (category, port) VALUES ('link', 'nginx'); NOTIFY port_updated`,
      );
      await daemon.until('failed clearing', ({ event }) => event === 'clear-failed');
      await untilSays(
        () => ask('ports/link/nginx/x'),
        new RegExp(`^ {2}cleared {3}row .*\\n {12}${cache}: failing: cannot open ports/link: ELOOP`, 'm'),
      );
      const long = 'a'.repeat(230);
      await client.query(
        `INSERT INTO cache_clearing_commits (commit_to_clear) VALUES ('${long}'); NOTIFY commit_updated`,
      );
      await untilSays(
        () => ask(`commits/${long}/x`),
        new RegExp(`^ {2}cleared {3}row \\d+ for commit_to_clear=a+.*\\n {12}${cache}: cleared`, 'm'),
      );
    } finally {
      await daemon.stop();
    }
  });

  it('shows each cache of the fleet that has not expired, and how far it is', async () => {
    await client.query(`
      INSERT INTO uncached.log (handler, key, enqueued_at, claimed_at)
      SELECT 'listen_port', json_build_object('category', 'www', 'port', port), now() - interval '4 h', now() - interval '3 h'
      FROM unnest('{nginx,nginx,other}'::text[]) AS port;
      INSERT INTO uncached.consumer (id, kind, name, node, place, state, settled_to, cleared_to) VALUES
        ('a', 'files', 'files', 'web1', '/cache', 'live', 2, 3), ('b', 'files', 'files', 'web2', '/cache', 'live', 0, 2),
        ('b command purge', 'command', 'purge', 'web2', '', 'live', 0, 1), ('c', 'files', 'files', 'web3', '/cache', 'expired', 0, 0)`);
    expect((await explain(nginx)).stdout).toContain(
      '  cleared   row 2 for category=www port=nginx, claimed 3 h ago, 60 min after its oldest entry\n' +
        '            files on web1 (/cache): cleared, settled\n' +
        '            files on web2 (/cache): cleared, settling\n' +
        '            command purge on web2: not cleared yet\n' +
        '\n',
    );
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
