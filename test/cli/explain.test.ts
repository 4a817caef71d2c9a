import { mkdirSync, symlinkSync } from 'node:fs';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { freePort } from '../postgres/free-port.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';

const database = testDatabase();
let site: Site;
let client: Client;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());
beforeEach(() => {
  site = makeSite();
});
afterEach(async () => {
  await client.query(
    'TRUNCATE uncached.journal, cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files',
  );
  site.remove();
});

const explain = (path: string, { handlers = freshportsHandlers, user = database.config.user } = {}) =>
  uncached([
    '--config',
    site.configure(iniFor(site, { ...database.config, user }, { handlers, settle: '10s' })),
    'explain',
    path,
  ]);

const nginx = 'ports/www/nginx/Detail.html';

describe('of a page that nothing waits for', () => {
  it('tells template, key, channel, and how to clear it by hand', async () => {
    site.write([nginx]);
    const { code, stdout, stderr } = await explain(nginx);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(
      new RegExp(`^${site.root}/${nginx}\nfile, 4 bytes, written 20\\d\\d-\\S+Z, [\\d.]+ s ago\n\n`),
    );
    expect(stdout).toContain(`
listen_port
  template  ports/{category}/{port}/*
  key       category=www port=nginx
  channel   port_updated
  queue     no entry that names it
  journal   no row that names it

listen_file_updated
  template  ports/{pathname:below /ports/head}.*
  key       pathname=/ports/head/www/nginx/Detail or "/www/nginx/Detail", each with or without the leading "/"
  channel   file_updated
`);
    expect(stdout).toContain(
      'Nothing that names it waits: whatever was committed for it until now has been cleared.\n' +
        'Its last clearing was before it was put in place, or it would be gone.\n',
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
    expect(stdout).toContain(`A temp: a writer renders the page ${nginx}, or died over it.`);
    expect(stdout).toContain('key       category=www port=nginx');
    mkdirSync(`${site.root}/elsewhere`);
    symlinkSync('../elsewhere', `${site.root}/ports/net`);
    expect((await explain('ports/net/rsync/Detail.html')).stdout).toContain(
      'ports/net is a symbolic link, which no clearing follows',
    );
  });
});

describe('of a page that something waits for', () => {
  const last = (stdout: string) => stdout.trimEnd().split('\n').at(-1);

  it('counts the entries that name it, and no others', async () => {
    await client.query(`INSERT INTO cache_clearing_ports (category, port, date_added) VALUES
      ('www', 'nginx', now() - interval '5 h'), ('www', 'apache24', now()), ('net', 'nginx', now())`);
    await client.query(
      `BEGIN; INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx'); COMMIT`,
    );
    const { stdout } = await explain(nginx);
    expect(stdout).toContain('  queue     2 entries name it, the oldest made 5 h ago\n');
    expect(stdout).toContain('  queue     no entry that names it\n');
    expect(last(stdout)).toMatch(/^It waits to be cleared.*uncached status$/);
  });

  it('finds entries by slug, date and path, which no key tells', async () => {
    await client.query(`
      INSERT INTO cache_clearing_commits (commit_to_clear) VALUES ('<2005.X>'), ('other');
      INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03'), ('2020-01-04'), (NULL);
      INSERT INTO cache_clearing_files (pathname) VALUES ('/ports/head/MOVED'), ('Mk/x'), ('..')`);
    // By the category alone.
    await client.query(
      `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', NULL), ('net', NULL)`,
    );
    for (const path of [
      'categories/www/index.html',
      'commits/-2005-x-/a',
      'daily/2020/01/03.x',
      'ports/MOVED.html',
      'ports/Mk/x.html',
    ])
      expect((await explain(path)).stdout, path).toContain('  queue     1 entry names it');
  });

  it.each([
    ['NULL, NULL, 0, NULL', 'claimed 5 h ago, not cleared yet', /^It waits to be cleared/],
    [
      "now() - interval '3 h', NULL, 0, NULL",
      'cleared 3 h ago, settling: cleared again 10s after the transactions of then have ended',
      /^It was cleared a moment ago and has been written again since/,
    ],
    [
      "NULL, 'disk full', 3, now() + interval '8 h'",
      'failing since it was claimed 5 h ago, 3 tries, next in 8 h: disk full',
      /^A clearing that names it fails\. .*: uncached failing retry \d+$/,
    ],
  ])('tells a journal row (%s)', async (values, text, verdict) => {
    site.write([nginx]);
    await client.query(`
      INSERT INTO uncached.journal (handler, key, claimed_at, cleared_at, last_error, attempts, retry_at) VALUES
        ('listen_port', '{"category": "www", "port": "nginx"}', now() - interval '5 h', ${values}),
        ('listen_port', '{"category": "www", "port": "other"}', now(), ${values}),
        ('listen_date_updated', '{"category": "www", "port": "nginx"}', now(), ${values})`);
    const { code, stdout } = await explain(nginx);
    expect(code).toBe(0);
    expect(stdout.match(/^ {2}journal +row \d+: .*$/gm)).toEqual([expect.stringContaining(text)]);
    expect(last(stdout)).toMatch(verdict);
  });

  it('misses no entry that is claimed while it looks', async () => {
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx')`);
    await client.query('BEGIN; LOCK TABLE cache_clearing_ports');
    const explained = explain(nginx);
    await eventually(
      'waiting for the table',
      async () => {
        const { rows } = await client.query(
          `SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'cache_clearing_ports'::regclass`,
        );
        return rows[0];
      },
      async () => 'no session waits',
    );
    await client.query(`
      DELETE FROM cache_clearing_ports;
      INSERT INTO uncached.journal (handler, key) VALUES ('listen_port', '{"category": "www", "port": "nginx"}');
      COMMIT`);
    expect((await explained).stdout).toMatch(/row \d+: claimed/);
  });

  it('knows what is cleared once after each batch, whatever the key', async () => {
    await client.query(
      `INSERT INTO cache_clearing_ports (category, port) VALUES ('any', 'thing'), ('other', NULL), ('..', '..')`,
    );
    await client.query(`INSERT INTO uncached.journal (handler, key) VALUES ('news', '{}')`);
    const { stdout } = await explain('news/index.html');
    expect(stdout).toContain(`listen_port
  template  news/* of news, once after each batch
  key       any
  channel   port_updated
  queue     3 entries name it, the oldest made`);
    expect(stdout).toMatch(
      /^news\n {2}template {2}news\/\*\n.*any\n.*none: no row of listen_for.*\n {2}journal +row \d+: claimed/m,
    );
  });

  it('tells the templates when the database cannot be asked, too', async () => {
    const ini = iniFor(site, { ...database.config, host: '/nowhere' });
    const { code, stdout, stderr } = await uncached(['--config', site.configure(ini), 'explain', nginx]);
    expect(code).toBe(1);
    expect(stdout).toContain(
      'listen_port\n  template  ports/{category}/{port}/*\n  key       category=www port=nginx\n\n',
    );
    expect(stderr).toMatch(/is PostgreSQL running/);
  });

  it('needs SELECT and nothing else', async () => {
    const role = `reporting_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    try {
      await client.query(`
        GRANT USAGE ON SCHEMA uncached TO ${role};
        GRANT SELECT ON uncached.journal, listen_for, cache_clearing_ports, cache_clearing_files TO ${role};
        INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx')`);
      expect(await explain(nginx, { user: role })).toMatchObject({
        code: 0,
        stdout: expect.stringContaining('1 entry names it'),
      });
      expect(await explain('commits/a/b', { user: role })).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('Cannot look at cache_clearing_commits'),
      });
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

describe('of a page that a daemon that serves its status has cleared', () => {
  it('tells when, as far as the daemon remembers', async () => {
    const more = `[http]\nlisten = ${await freePort()}`;
    const file = site.configure(iniFor(site, database.config, { more }));
    const ask = async (path: string) => (await uncached(['--config', file, 'explain', path])).stdout;
    expect(await ask(nginx)).not.toContain('  cleared ');
    site.write([nginx]);
    const keys = ['nginx', 'other'].map((port) => `('www', '${port}')`);
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ${keys.join()}`);
    const daemon = startUncached(file);
    try {
      await daemon.until('serving', ({ event }) => event === 'serving');
      await daemon.until('clearing', ({ event }) => event === 'cleared');
      expect(await ask(nginx)).toMatch(
        /^ {2}cleared {3}[\d.]+ s ago, in a batch of 2 entries and 1 files, [\d.]+ s after the oldest was made$/m,
      );
      expect(await ask('ports/www/never/x')).toMatch(
        /^ {2}cleared {3}not among the daemon's last \d+ batches$/m,
      );
      const many = Array.from({ length: 20 }, (_one, at) => `('net', 'port${at}')`);
      await client.query(
        `INSERT INTO cache_clearing_ports (category, port) VALUES ${many.join()}; NOTIFY port_updated`,
      );
      await daemon.until('second clearing', ({ event, entries }) => event === 'cleared' && entries === 20);
      expect(await ask('ports/www/never/x')).toMatch(
        /^ {2}cleared {3}perhaps: the daemon remembers 3 of the batch's 20 keys; [\d.]+ s ago, in a batch of 20 entries/m,
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
      'The nearest is daily/{date_to_clear:%Y}/{date_to_clear:%m}/{date_to_clear:%d}.* of listen_date_updated: as far as daily/{date_to_clear:%Y}/{date_to_clear:%m}/ it fits.',
    ],
    [
      'ports/www/nginx',
      'The nearest is ports/{category}/{port}/* of listen_port: as far as ports/{category}/{port}/ it fits.',
    ],
    ['news/.hidden', 'A wildcard never matches a leading dot.'],
  ])('%s: %s', async (path, text) => {
    const { code, stdout } = await explain(path);
    expect(code).toBe(1);
    expect(stdout).toContain('No template names it: no change in the database will ever clear it.');
    expect(stdout).toContain(text);
  });

  it('reminds of commands, of which nobody knows what they touch', async () => {
    const handlers = `${freshportsHandlers}\n[handler.packages]\nrun = zfs rollback a/b@empty\n`;
    expect((await explain('packages/x', { handlers })).stdout).toContain(
      'Whether a command of packages touches it is not known here: zfs rollback a/b@empty\n',
    );
  });
});
