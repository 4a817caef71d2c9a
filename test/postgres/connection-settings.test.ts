import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DatabaseSettings } from '../../src/core/configuration.ts';
import { connectionConfigs } from '../../src/postgres/connection.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { listen } from '../../src/postgres/listener.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { settingsProblems } from '../../src/postgres/settings.ts';
import { type Certificate, makeCertificate, opensslFound } from '../faults/certificate.ts';
import { withClient } from './connection.ts';
import { type LaunchedServer, launchServer } from './launch.ts';
import { patient } from './patient.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-connection-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('variables', () => {
  const names = 'HOST PORT DATABASE USER PASSWORD PASSFILE SSLMODE SSLROOTCERT SSLCERT SSLKEY'.split(' ');
  const shown = (env: NodeJS.ProcessEnv) =>
    connectionConfigs({}, { env }).map(({ password, stream, ...config }) => ({
      ...config,
      password: typeof password,
      stream: typeof stream,
    }));

  it('that are empty count as unset', () => {
    const empty = Object.fromEntries(names.map((name) => [`PG${name}`, '']));
    expect(shown(empty)).toEqual(shown({}));
    expect(shown({})).toMatchObject([{ port: 5432, user: userInfo().username, password: 'function' }]);
  });

  it('are what the settings leave open', () => {
    const env = { PGHOST: 'a,b', PGPORT: '1,2', PGDATABASE: 'd', PGUSER: 'u', PGPASSWORD: 'p' };
    expect(shown(env)).toMatchObject([
      { host: 'a', port: 1, database: 'd', user: 'u', password: 'string' },
      { host: 'b', port: 2, database: 'd', user: 'u', password: 'string' },
    ]);
  });

  it('that mean nothing fail the connection, with their name', async () => {
    const settings = { host: '127.0.0.1', dbname: 'x' };
    await expect(connect(settings, { PGPORT: 'x1' })).rejects.toThrow('PGPORT = x1');
    await expect(connect(settings, { PGSSLMODE: 'yes' })).rejects.toThrow('PGSSLMODE = yes');
  });

  it('reports every one that is wrong, by the option or the variable that has it', () => {
    const settings = { host: 'h', user: 'u', sslrootcert: '/none.pem' };
    const env = { PGPORT: '1,x', PGSSLCERT: '/none.pem', PGSSLKEY: '/none.key' };
    expect(settingsProblems(settings, env)).toEqual([
      'PGPORT = 1,x is no list of ports',
      expect.stringMatching(/^PGSSLKEY = \/none\.key cannot be read: ENOENT/),
      expect.stringMatching(/^\[database\] sslrootcert = \/none\.pem cannot be read: ENOENT/),
    ]);
    expect(settingsProblems({ user: 'u' }, { PGHOST: 'h', PGSSLMODE: 'yes' })).toEqual([
      expect.stringMatching(/^PGSSLMODE = yes is none of/),
    ]);
    // TLS is not used over a socket.
    expect(settingsProblems({ ...settings, host: '/tmp' }, {})).toEqual([]);
    expect(settingsProblems({ ...settings, sslmode: 'disable' }, {})).toEqual([]);
  });
});

async function connect(settings: DatabaseSettings, env: NodeJS.ProcessEnv = {}): Promise<Client> {
  const [config] = connectionConfigs(settings, { env, timings: patient });
  const client = new Client(config);
  client.on('error', () => {});
  await client.connect();
  return client;
}

async function connects(settings: DatabaseSettings, env: NodeJS.ProcessEnv = {}): Promise<true> {
  await (await connect(settings, env)).end();
  return true;
}

describe('~/.pgpass', () => {
  const passwordOf = async (lines: string, { host = 'db', mode = 0o600 } = {}) => {
    const file = join(folder, 'pgpass');
    writeFileSync(file, lines);
    chmodSync(file, mode);
    const settings = { host, port: [5433], dbname: 'site', user: 'li:ste\\ning' };
    const [{ password }] = connectionConfigs(settings, { env: { PGPASSFILE: file } });
    return (password as () => string)();
  };
  const socketDirectory = process.platform === 'linux' ? '/var/run/postgresql' : '/tmp';
  const who = 'site:li\\:ste\\\\ning';

  it.each([
    ['every field', `db:5433:${who}:secret`, 'db', 'secret'],
    ['asterisks', '*:*:*:*:secret', 'db', 'secret'],
    ['what is escaped', `db:5433:${who}:se\\:cr\\\\et:x`, 'db', 'se:cr\\et:x'],
    [
      'the first line that fits',
      `#db:5433:${who}:no\n\nother:*:*:*:no\r\ndb:*:*:*:yes\r\n*:*:*:*:no`,
      'db',
      'yes',
    ],
    ['localhost for the default directory', 'localhost:*:*:*:secret', socketDirectory, 'secret'],
    ['another directory by its path', '/run/pg:*:*:*:secret', '/run/pg', 'secret'],
  ])('is matched by %s', async (_, lines, host, password) => {
    expect(await passwordOf(lines, { host })).toBe(password);
  });

  it.each([
    ['another port', `db:5432:${who}:secret`, 'db'],
    ['a pattern, which there is none', 'd*:*:*:*:secret', 'db'],
    ['localhost for another directory', 'localhost:*:*:*:secret', '/run/pg'],
    ['its path for the default directory', `${socketDirectory}:*:*:*:secret`, socketDirectory],
    ['an empty password', 'db:*:*:*:', 'db'],
  ])('is not matched by %s', async (_, lines, host) => {
    await expect(passwordOf(lines, { host })).rejects.toThrow(
      /asks for a password, and there is none for .*:5433:site/,
    );
  });

  it('is ignored where others may read it, and the error says so', async () => {
    await expect(passwordOf('*:*:*:*:secret', { mode: 0o640 })).rejects.toThrow(/ignored.*chmod 600/);
  });
});

describe.skipIf(!opensslFound)('over TLS', () => {
  let server: LaunchedServer;
  let own: Certificate;
  let client: Certificate;

  beforeAll(async () => {
    own = makeCertificate('IP:127.0.0.1');
    client = makeCertificate('DNS:client');
    const hba = join(client.certificate, '../pg_hba.conf');
    writeFileSync(hba, 'local all all trust\nhostssl all test all cert\nhostssl all postgres all trust\n');
    chmodSync(hba, 0o644);
    server = await launchServer({
      tcp: true,
      settings: {
        ssl: 'on',
        ssl_cert_file: own.certificate,
        ssl_key_file: own.key,
        ssl_ca_file: client.certificate,
        hba_file: hba,
      },
    });
    await withClient(server, (administrator) => administrator.query('CREATE ROLE test LOGIN'));
  });
  afterAll(async () => {
    await server.stop();
    own.remove();
    client.remove();
  });

  const tcp = (more: DatabaseSettings = {}): DatabaseSettings => ({
    host: '127.0.0.1',
    port: [server.port],
    dbname: 'postgres',
    user: 'postgres',
    ...more,
  });
  const surroundings = { env: {}, timings: patient };
  const copy = (from: string, mode = 0o600) => {
    const file = join(folder, `${Math.random()}.pem`);
    copyFileSync(from, file);
    chmodSync(file, mode);
    return file;
  };

  it('takes any server without an authority, and its own with one, as libpq does', async () => {
    expect(await connects(tcp())).toBe(true);
    expect(await connects(tcp({ sslmode: 'require', sslrootcert: own.certificate }))).toBe(true);
    await expect(connects(tcp({ sslrootcert: client.certificate }))).rejects.toThrow('self-signed');
    await expect(connects(tcp(), { PGSSLROOTCERT: client.certificate })).rejects.toThrow('self-signed');
  });

  it('reads sslrootcert for each connection', async () => {
    const file = join(folder, 'root.pem');
    const pool = openPool(
      openHosts(connectionConfigs(tcp({ sslmode: 'verify-full', sslrootcert: file }), surroundings)),
    );
    try {
      await expect(pool.query('SELECT')).rejects.toThrow(
        /^\[database\] sslrootcert = .*root.pem cannot be read: ENOENT/,
      );
      writeFileSync(file, 'nothing');
      await expect(pool.query('SELECT')).rejects.toThrow('root.pem holds no certificate');
      copyFileSync(client.certificate, file);
      await expect(pool.query('SELECT')).rejects.toThrow('self-signed');
      copyFileSync(own.certificate, file);
      await pool.query('SELECT');
    } finally {
      await pool.end();
    }
  });

  it('knows the authorities of the system, by that name too', async () => {
    await expect(connects(tcp({ sslmode: 'verify-full' }))).rejects.toThrow('self-signed');
    await expect(connects(tcp({ sslrootcert: 'system' }))).rejects.toThrow('self-signed');
    await expect(connects(tcp(), { PGSSLROOTCERT: 'system' })).rejects.toThrow('self-signed');
    await expect(connects(tcp({ sslmode: 'require', sslrootcert: 'system' }))).rejects.toThrow(
      'sslrootcert = system needs sslmode = verify-full',
    );
    vi.stubEnv('NODE_EXTRA_CA_CERTS', own.certificate);
    try {
      expect(await connects(tcp({ sslrootcert: 'system' }))).toBe(true);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  it('listens, whatever variables node-postgres reads by itself', async () => {
    vi.stubEnv('PGSSLNEGOTIATION', 'direct');
    const hosts = openHosts(
      connectionConfigs(tcp({ sslmode: 'verify-full', sslrootcert: own.certificate }), surroundings),
      patient,
    );
    const pool = openPool(hosts);
    try {
      const listening = await listen(hosts, pool, ['port_updated'], () => {});
      await listening.heartbeat();
      listening.close();
    } finally {
      vi.unstubAllEnvs();
      await pool.end();
    }
  });

  it('shows a certificate', async () => {
    const [sslcert, sslkey] = [copy(client.certificate, 0o644), copy(client.key)];
    expect(await connects(tcp({ user: 'test', sslcert, sslkey }))).toBe(true);
    expect(await connects(tcp({ user: 'test' }), { PGSSLCERT: sslcert, PGSSLKEY: sslkey })).toBe(true);
    await expect(connects(tcp({ user: 'test' }))).rejects.toThrow('certificate');
    await expect(connects(tcp({ user: 'test', sslcert }))).rejects.toThrow('belong together: set sslkey');
    await expect(connects(tcp({ user: 'test', sslkey }))).rejects.toThrow('belong together: set sslcert');
    await expect(connects(tcp({ user: 'test', sslcert, sslkey: '/nowhere' }))).rejects.toThrow(
      '[database] sslkey = /nowhere',
    );
    const open = copy(client.key, 0o644);
    await expect(connects(tcp({ user: 'test', sslcert, sslkey: open }))).rejects.toThrow(
      'can be read by others: chmod',
    );
  });
});
