import { chmodSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { iniFor } from '../site.ts';
import { type How, uncached } from '../uncached.ts';
import { expectNamed } from './mistakes/table.ts';
import { database, site } from './site-and-database.ts';

/** One template matches nothing. None of the other mistakes may hide that. */
const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = new/{category}/*
`;
const other = 'the template "new/{category}/*" matches nothing';

const ini = (options = {}) => iniFor(site, database.config, { handlers, ...options });
const on = (text: string, env: NodeJS.ProcessEnv = {}, how: How = {}, command = 'check') =>
  uncached(['--config', site.configure(text), command], env, how);

beforeEach(() => {
  site.write(['news/1']);
  chmodSync(dirname(site.root), 0o755);
});

describe('check, with a setting that is wrong', () => {
  it('names each of them, with its option or variable, and everything else', async () => {
    const file = join(dirname(site.root), 'pgpass');
    writeFileSync(file, '');
    chmodSync(file, 0o640);
    const text = iniFor(
      site,
      { ...database.config, host: '127.0.0.1' },
      {
        handlers: `${handlers}clear[] = news/**
clear[] = {news,blog}/*
run = /bin/true {category} $HOME > /dev/null
[handler.lacking]
run = none-such
`,
        tls: 'sslrootcert = /none.pem',
      },
    ).replace(/^(port|password) = .*$/gm, '');
    const env = {
      PGPORT: 'abc',
      PGSSLCERT: '/none.pem',
      PGSSLKEY: '/none.key',
      PGPASSFILE: file,
      PGPASSWORD: '',
    };
    const { code, stdout, stderr } = await on(text, env);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    for (const problem of [other, 'PGSSLKEY = /none.key cannot be read: ENOENT'])
      expect(stdout).toContain(problem);
    for (const mistake of [
      '`**` in a template',
      'A choice in braces in a template',
      'Words for a shell in run',
      'The program of run is not where the daemon looks',
      'Others may read the password file',
      'PGPORT is no port',
      'A file with a certificate or a key is not there',
    ])
      expectNamed(mistake, stdout);
    expect(stdout).toMatch(/^8 problems, 1 notice$/m);
  });

  it('an unknown host, and a password that everyone can read', async () => {
    const text = ini()
      .replace(/^host = .*$/m, 'host = nowhere.invalid')
      .replace(/^user/m, 'password = secret\nuser')
      .replace(/^settle/m, 'setle');
    const path = site.configure(text);
    chmodSync(path, 0o644);
    const { code, stdout } = await uncached(['--config', path, 'check']);
    expect(code).toBe(2);
    expectNamed('A section, an option or a handler is misspelt', stdout);
    expectNamed('The host cannot be resolved', stdout);
    expect(stdout).toContain(other);
    expectNamed('Everybody may read the configuration, and the password in it', stdout);
    expect(stdout).not.toContain('secret');
  });

  it.runIf(process.getuid?.() === 0)('no user, for an account without a name', async () => {
    const text = ini().replace(/^user = .*$/m, '');
    const how = { account: { uid: 54_321, gid: 54_321 } };
    const problem = 'there is no user to connect as: the account that runs uncached, uid 54321, has no name';
    const { code, stdout } = await on(text, {}, how);
    expect(code).toBe(1);
    expectNamed('The account has no name, and `user` is not set', stdout);
    expect(stdout.split(problem)).toHaveLength(2);
    expect(stdout).toContain(other);
    expect(await on(text, {}, how, 'status')).toMatchObject({
      code: 2,
      stdout: expect.stringMatching(/^UNCACHED CRITICAL - there is no user to connect as: .*\n$/),
      stderr: '',
    });
    const run = await on(text, {}, how, 'run');
    expect(run).toMatchObject({ code: 2, stderr: '' });
    expect(JSON.parse(run.stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      msg: expect.stringContaining(problem),
    });
  });
});
