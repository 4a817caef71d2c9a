import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { ordinaryAccount } from './account.ts';
import { type Connection, connectionOf, withClient } from './connection.ts';
import { type LaunchedServer, type LaunchOptions, launchServer, startServer } from './server.ts';
import { versions } from './versions.ts';
import { within } from './within.ts';

const debianBinaries = '/usr/lib/postgresql/15/bin';

/** For the tests that only read. */
let server: LaunchedServer;
beforeAll(async () => {
  server = await launchServer();
});
afterAll(async () => {
  await server.stop();
});

let launched: LaunchedServer[] = [];
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all(launched.map((server) => server.stop()));
  launched = [];
});

async function launch(options?: LaunchOptions): Promise<LaunchedServer> {
  const one = await launchServer(options);
  launched.push(one);
  return one;
}

describe('launchServer', () => {
  test('runs as an ordinary user, in a directory that only he can enter', async () => {
    const directory = await stat(server.host);
    expect(directory.mode & 0o777).toBe(0o700);
    expect(directory.uid).toBe(ordinaryAccount()?.uid ?? process.getuid?.());
    expect(await show(server, 'server_version')).toContain(server.version);
    const status = await readFile(join(server.host, 'data', 'postmaster.pid'), 'utf8');
    expect(status.split('\n')[0]).toBe(String(server.pid));
  });

  test('makes a UTF8 cluster of locale C that listens on its socket alone', async () => {
    expect(await show(server, 'listen_addresses')).toBe('');
    expect(await show(server, 'server_encoding')).toBe('UTF8');
    const { rows } = await withClient(server, (client) =>
      client.query('SELECT datcollate, datctype FROM pg_database WHERE datname = current_database()'),
    );
    expect(rows).toEqual([{ datcollate: 'C', datctype: 'C' }]);
  });

  test('carries a notification from one client to another', async () => {
    await withClient(server, async (listener) => {
      await listener.query('LISTEN port_updated');
      const heard = within(100_000, 'hear it', (signal) => once(listener, 'notification', { signal }));
      await withClient(server, (client) => client.query("NOTIFY port_updated, 'www/nginx'"));
      expect(await heard).toMatchObject([{ channel: 'port_updated', payload: 'www/nginx' }]);
    });
  });

  test('applies settings, even with quotes, and listens on 127.0.0.1 when asked to', async () => {
    const settings = { max_prepared_transactions: '7', log_line_prefix: "it's \\ %m " };
    const local = { ...(await launch({ settings, tcp: true })), host: '127.0.0.1' };
    expect(await show(local, 'port')).toBe(String(local.port));
    expect(await show(local, 'max_prepared_transactions')).toBe('7');
    expect(await show(local, 'log_line_prefix')).toBe(settings.log_line_prefix);
  });

  test('rejects a setting that the server refuses, with its log, and leaves nothing', async () => {
    const settings = { no_such_setting: 'on' };
    const error: unknown = await launch({ settings }).catch((reason) => reason);
    const message = error instanceof Error ? error.message : '';
    expect(message).toMatch(/^Cannot start PostgreSQL .*: it ended before it was ready/);
    expect(message).toContain('unrecognized configuration parameter "no_such_setting"');
    const [directory] = /\/\S*uncached-\w{6}/.exec(message) ?? [];
    expect(directory).toBeDefined();
    expect(existsSync(String(directory))).toBe(false);
  });

  test('rejects binaries that do not run and says what to do', async () => {
    await expect(launch({ binaries: '/nowhere/bin' })).rejects.toThrow(
      /Cannot run initdb and postgres in \/nowhere\/bin.*ENOENT\nSet PGBIN/,
    );
  });

  test.runIf(existsSync(debianBinaries))('takes the binaries of PGBIN', async () => {
    vi.stubEnv('PGBIN', debianBinaries);
    const server = await launch();
    expect(server.version).toMatch(/^15\./);
    expect(await show(server, 'server_version')).toContain(server.version);
  });

  for (const { major, binaries, title } of versions()) {
    test.skipIf(binaries === undefined)(`starts ${title}`, async () => {
      const server = await launch({ binaries: String(binaries) });
      expect(server.version).toMatch(new RegExp(`^${major}\\.`));
      expect(await show(server, 'server_version')).toContain(server.version);
    });
  }
});

describe('LaunchedServer', () => {
  test('stop() ends even a stopped server, removes the directory and may be called again', async () => {
    const one = await launch();
    const log = await open(join(one.host, 'log'));
    process.kill(one.pid, 'SIGSTOP');
    await Promise.all([one.stop(), one.stop()]);
    await one.stop();
    // It was continued. Force, which comes later, ends it without a word.
    expect(await log.readFile('utf8')).toContain('received fast shutdown request');
    await log.close();
    expect(() => process.kill(one.pid, 0)).toThrow('ESRCH');
    expect(existsSync(one.host)).toBe(false);
  });

  test('stop() uses force when a backend keeps the server from shutting down', async () => {
    const one = await launch();
    const client = new Client(connectionOf(one));
    client.on('error', () => undefined);
    const ended = new Promise((resolve) => client.once('end', resolve));
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    process.kill(Number(rows[0]?.pid), 'SIGSTOP');
    await one.stop();
    expect(existsSync(one.host)).toBe(false);
    await ended;
  });

  test('kill() leaves no process behind; restart() at once finds what was committed', async () => {
    const one = await launch({ tcp: true });
    const local = { ...connectionOf(one), host: '127.0.0.1' };
    await withClient(local, (client) => client.query('CREATE TABLE kept (round int)'));
    for (let round = 1; round <= 3; round++) {
      const { pid } = one;
      await withClient(local, (client) => client.query('INSERT INTO kept VALUES ($1)', [round]));
      const busy = Array.from({ length: 20 }, () =>
        withClient(local, (client) => client.query('SELECT pg_sleep(60)')).catch(String),
      );
      const [backend] = await withClient(local, untilAsleep);
      // A stopped backend cannot notice that the postmaster has died.
      process.kill(Number(backend), 'SIGSTOP');
      await one.kill();
      expect(() => process.kill(pid, 0)).toThrow('ESRCH');
      // A backend that still held the shared memory would prevent the next postmaster from starting.
      await one.restart();
      expect(one.pid).not.toBe(pid);
      expect(await Promise.all(busy)).toEqual(busy.map(() => expect.stringContaining('Error')));
    }
    const { rows } = await withClient(local, (client) => client.query('SELECT count(*)::int FROM kept'));
    expect(rows).toEqual([{ count: 3 }]);
  });

  test('restart() shuts down one that runs; stop() after kill() removes the directory', async () => {
    const one = await launch();
    const { pid } = one;
    await one.restart();
    expect(one.pid).not.toBe(pid);
    expect(await readFile(join(one.host, 'log'), 'utf8')).toContain('received fast shutdown request');
    expect(await show(one, 'port')).toBe(String(one.port));
    await one.kill();
    await one.kill();
    await one.stop();
    expect(existsSync(one.host)).toBe(false);
  });
});

describe('startServer', () => {
  test('uses the server of DATABASE_URL and leaves it alone', async () => {
    vi.stubEnv('DATABASE_URL', `postgres:///postgres?host=${server.host}&user=postgres&port=${server.port}`);
    const named = await startServer();
    expect(named).toMatchObject({ ...connectionOf(server), version: server.version });
    await named.stop();
    expect(await show(named, 'port')).toBe(String(server.port));
  });

  test('rejects options that the server of DATABASE_URL cannot apply', async () => {
    vi.stubEnv('DATABASE_URL', 'postgres://127.0.0.1:1/postgres');
    await expect(startServer({ tcp: true })).rejects.toThrow(/Cannot start a server with tcp: DATABASE_URL/);
    await expect(startServer()).rejects.toThrow(/Cannot use the server of DATABASE_URL: .*ECONNREFUSED/);
  });
});

async function show(connection: Connection, setting: string): Promise<string> {
  return await withClient(connection, async (client) => {
    const { rows } = await client.query<Record<string, string>>(`SHOW ${setting}`);
    return String(rows[0]?.[setting]);
  });
}

/**
 * Resolves with the backends of the clients when all of them sleep. Asks repeatedly: each answer is an event.
 */
async function untilAsleep(client: Client): Promise<number[]> {
  for (;;) {
    const { rows } = await client.query<{ pid: number }>(
      "SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep'",
    );
    if (rows.length === 20) return rows.map((row) => row.pid);
  }
}
