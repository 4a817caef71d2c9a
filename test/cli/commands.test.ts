import { rmSync } from 'node:fs';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';

const database = testDatabase();
let site: Site;
let client: Client;

const directories = ['ports/x/y', 'categories/x', 'daily/x', 'commits/x', 'news/x'];

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());
beforeEach(() => {
  site = makeSite();
  site.write(directories);
});
afterEach(async () => {
  await client.query('TRUNCATE uncached.journal, cache_clearing_ports, cache_clearing_dates');
  site.remove();
});

const ini = (options: Parameters<typeof iniFor>[2] = {}) => iniFor(site, database.config, options);
const on = (text: string, ...args: string[]) => uncached(['--config', site.configure(text), ...args]);

describe('check', () => {
  it('is content with what is right', async () => {
    expect(await on(ini(), 'check')).toEqual({
      code: 0,
      stdout: `no problems: 5 handlers, root ${site.root}\n`,
      stderr: '',
    });
  });

  it('names every problem at once, with a suggestion', async () => {
    const handlers = `
[handler.listen_prot]
queue = cache_clearing_port
clear[] = ports/{category}/{port}/*
[handler.listen_date_updated]
queue = cache_clearing_dates
clear[] = daily/{date_to_claer:%Y}/*
clear[] = /daily
[handler.listen_commit]
queue = cache_clearing_commits
clear[] = new/*
then = nwes
[handler.news]
clear[] = news/*
`;
    const text = ini({ handlers, more: 'setle = 5s' });
    const { code, stdout } = await on(text, 'check');
    expect(code).toBe(2);
    for (const problem of [
      '[cache] setle is unknown, did you mean "settle"?',
      '[handler.listen_date_updated] the template "/daily" begins with "/"',
      '[handler.listen_commit] then = nwes: there is no section [handler.nwes], did you mean "news"?',
      `the template "new/*" matches nothing: there is no directory ${site.root}/new, did you mean "news"?`,
      'queue table cache_clearing_port does not exist',
      'queue table cache_clearing_dates has no column "date_to_claer", did you mean "date_to_clear"?',
      'channel port_updated asks for the handler "listen_port", which is not configured, did you mean "listen_prot"?',
      'channel file_updated asks for the handler "listen_file_updated"',
      '[handler.listen_prot] is never woken',
      '[handler.news] is never woken',
    ]) {
      expect(stdout).toContain(problem);
    }
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('10 problems');
  });

  it('names a missing root, schema and connection', async () => {
    rmSync(site.root, { recursive: true });
    const { code, stdout } = await on(ini().replace(/^dbname = .*$/m, 'dbname = template1'), 'check');
    expect(code).toBe(1);
    expect(stdout).toContain(`root ${site.root} does not exist`);
    expect(stdout).toContain('table uncached.journal does not exist');
    expect(stdout).toContain('table listen_for does not exist');
    expect(stdout).toContain('uncached schema | psql');
    const nowhere = await on(ini().replace(/^host = .*$/m, 'host = /nowhere'), 'check');
    expect(nowhere.code).toBe(1);
    expect(nowhere.stdout).toContain(`root ${site.root} does not exist`);
    expect(nowhere.stdout).toMatch(/Cannot connect to .*is PostgreSQL running/);
  });

  it('names missing rights, and what is granted is enough to work', async () => {
    const role = `listening_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    try {
      const text = ini().replace(/^user = .*$/m, `user = ${role}`);
      await client.query('REVOKE USAGE ON SCHEMA uncached FROM PUBLIC');
      const before = await on(text, 'check');
      expect(before.code).toBe(1);
      expect(before.stdout).toContain(`queue table cache_clearing_ports: role ${role} lacks SELECT, DELETE`);
      expect(before.stdout).toContain(`listen_for: role ${role} lacks SELECT`);
      expect(before.stdout).toContain('GRANT USAGE ON SCHEMA uncached TO');

      // SELECT and DELETE on the queue tables and rights on the journal, nothing more: no UPDATE to lock with.
      await client.query(`
        GRANT USAGE ON SCHEMA uncached TO ${role};
        GRANT SELECT, INSERT, UPDATE, DELETE ON uncached.journal TO ${role};
        GRANT SELECT ON listen_for TO ${role};
        GRANT SELECT, DELETE ON cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files TO ${role}`);
      expect(await on(text, 'check')).toMatchObject({ code: 0 });
      site.write(['ports/www/a/1']);
      await client.query(
        `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'), ('www', 'b')`,
      );
      expect(await on(text, 'drain')).toEqual({
        code: 0,
        stdout: 'cleared 2 entries, deleted 2 files\n',
        stderr: '',
      });
      expect(site.pages()).not.toContain('ports/www/a/1');
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

describe('run, given something impossible', () => {
  it.each([
    ['no server', /^host = .*$/m, 'host = /nowhere', undefined, 'is PostgreSQL running'],
    ['no such database', /^dbname = .*$/m, 'dbname = nowhere', 1, 'correct dbname under [database]'],
    ['no schema', /^dbname = .*$/m, 'dbname = template1', 1, 'uncached schema | psql'],
  ])('%s: says what to do', async (_what, from, to, code, advice) => {
    const file = site.configure(ini().replace(from, to));
    if (code === undefined) {
      const daemon = startUncached(file);
      const line = await daemon.until('complaint', ({ event }) => event === 'connecting');
      expect(line.msg).toContain(advice);
      expect(await daemon.stop()).toBe(0);
    } else {
      const ended = await uncached(['--config', file, 'run']);
      expect(ended.code).toBe(code);
      expect(ended.stdout).toContain(advice);
    }
  });

  it.each([
    [
      'missing table',
      'queue = cache_clearing_ports',
      'queue = cache_clearing_port',
      'cache_clearing_port does not exist',
    ],
    ['unknown column', '{port}', '{prot}', 'has no column "prot", did you mean "port"?'],
  ])('%s: says so, and the other handlers work', async (_what, from, to, message) => {
    const daemon = startUncached(site.configure(ini().replace(from, to)));
    await daemon.until('complaint', ({ event, msg }) => event === 'loop-failed' && msg.includes(message));
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a')`);
    await client.query(`INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-01')`);
    await client.query('NOTIFY date_updated');
    await daemon.until(
      'clearing',
      ({ event, handler }) => event === 'cleared' && handler === 'listen_date_updated',
    );
    expect(await daemon.stop()).toBe(0);
    expect((await client.query('SELECT FROM cache_clearing_ports')).rowCount).toBe(1);
  });
});

describe('status', () => {
  it('is ok when nothing waits', async () => {
    const { code, stdout } = await on(ini(), 'status');
    expect(code).toBe(0);
    expect(stdout).toContain('UNCACHED OK - 0 entries waiting | backlog=0 lag=0s failing=0');
    expect(stdout).toMatch(/^listen_port +0 +0 s +0 +0 +0$/m);
  });

  it('tells backlog, lag, claimed, settling and failing apart', async () => {
    await client.query(`
      INSERT INTO cache_clearing_ports (category, port, date_added) VALUES ('a', 'b', now() - interval '10 s'), ('a', 'c', now());
      INSERT INTO uncached.journal (handler, key, cleared_at, last_error) VALUES
        ('listen_port', '{}', NULL, NULL), ('listen_port', '{}', now(), NULL), ('listen_port', '{}', now(), NULL),
        ('listen_date_updated', '{}', NULL, 'disk full')`);
    const { code, stdout } = await on(ini(), 'status', '--json');
    expect(code).toBe(1);
    const { level, reasons, handlers } = JSON.parse(stdout);
    expect(level).toBe('warning');
    expect(reasons.join()).toMatch(
      /listen_port lags [1-5]\d(\.\d)? s behind.*1 of listen_date_updated failing: disk full/,
    );
    expect(handlers[0]).toMatchObject({
      handler: 'listen_port',
      backlog: 2,
      claimed: 1,
      settling: 2,
      failing: 0,
    });
    expect(handlers[1]).toMatchObject({
      handler: 'listen_date_updated',
      backlog: 0,
      claimed: 0,
      settling: 0,
      failing: 1,
    });
    expect((await on(ini(), 'status', '-w', '1h', '-c', '2h')).stdout).not.toContain('lags');
    expect((await on(ini(), 'status', '--critical', '5s')).code).toBe(2);
    expect((await on(ini(), 'status', '--critical', 'soon')).code).toBe(2);
  });

  it('needs SELECT and nothing else: whoever watches clears nothing', async () => {
    const role = `nagios_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN`);
    try {
      await client.query(`
        GRANT USAGE ON SCHEMA uncached TO ${role};
        GRANT SELECT ON uncached.journal,
          cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files TO ${role};
        INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a')`);
      const { code, stdout } = await on(
        ini().replace(/^user = .*$/m, `user = ${role}`),
        'status',
        '-w',
        '1h',
        '-c',
        '2h',
      );
      expect(stdout).toContain('UNCACHED OK - 1 entries waiting | backlog=1');
      expect(code).toBe(0);
    } finally {
      await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });

  it('is critical when it cannot look', async () => {
    const { code, stdout } = await on(ini().replace(/^host = .*$/m, 'host = /nowhere'), 'status');
    expect(code).toBe(2);
    expect(stdout).toMatch(/^UNCACHED CRITICAL - .*is PostgreSQL running/);
  });
});

describe('clear', () => {
  it('clears by hand, or shows what would go', async () => {
    site.write(['ports/www/a/1', 'ports/www/a/2', 'ports/www/b/1', 'categories/www/1']);
    const dry = await on(ini(), 'clear', 'listen_port', 'category=www', 'port=a', '--dry-run');
    expect(dry).toEqual({
      code: 0,
      stdout: 'categories/www/1\nnews/x\nports/www/a/1\nports/www/a/2\n',
      stderr: '',
    });
    expect(site.pages().length).toBe(9);
    const wet = await on(ini(), 'clear', 'listen_port', 'category=www', 'port=a');
    expect(wet).toEqual({ code: 0, stdout: 'deleted 4 files\n', stderr: '' });
    expect(site.pages()).toEqual(['categories/x', 'commits/x', 'daily/x', 'ports/www/b/1', 'ports/x/y']);
  });

  it.each([
    [['listen_prot'], ['there is no handler "listen_prot", did you mean "listen_port"?']],
    [
      ['listen_port', 'category=www', 'prot=a'],
      ['listen_port has no column "prot", did you mean "port"?', 'listen_port needs port=…'],
    ],
    [['listen_port', 'category=www', 'port=a', 'port=b'], ['port is given twice']],
    [
      ['listen_port', 'category', 'port=..'],
      ['"category" is not of the form column=value', 'listen_port needs category=…'],
    ],
    [
      ['listen_port', 'category=www', 'port=..'],
      ['column port is "..", which begins with a dot: no page can have this key'],
    ],
  ])('refuses %j', async (args, problems) => {
    const { code, stderr } = await on(ini(), 'clear', ...args);
    expect(code).toBe(2);
    expect(stderr).toBe(problems.map((problem) => `uncached: ${problem}\n`).join(''));
  });
});

describe('the command line', () => {
  it('exits with 2 for wrong usage and wrong configuration, 0 for help', async () => {
    expect(await uncached(['statsu'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('Did you mean status?'),
    });
    expect(await uncached(['--confg', 'x', 'run'])).toMatchObject({ code: 2 });
    expect(await uncached(['--config', '/nowhere.ini', 'run'])).toEqual({
      code: 2,
      stdout: '',
      stderr: 'uncached: cannot read the configuration /nowhere.ini: it does not exist\n',
    });
    expect(await on('[cahce]\n', 'config')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean "cache"?'),
    });
    expect(await uncached(['--help'])).toMatchObject({ code: 0, stderr: '' });
    expect((await uncached(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  it('prints the configuration in effect', async () => {
    const { code, stdout } = await on(ini().replace('[cache]', 'password = hunter2\n[cache]'), 'config');
    expect(code).toBe(0);
    expect(stdout).toContain(`root = ${site.root}`);
    expect(stdout).not.toContain('hunter2');
  });

  it('prints the SQL to install, which can be installed again', async () => {
    const { code, stdout } = await uncached(['schema']);
    expect(code).toBe(0);
    await client.query(stdout);
    expect((await uncached(['schema', '--uninstall'])).stdout).toContain('DROP SCHEMA');
  });
});
