import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, inject, it } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { pollInstead } from '../../src/postgres/polling.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { lastWill } from '../last-will.ts';
import { ordinaryAccount } from '../postgres/account.ts';
import { withClient } from '../postgres/connection.ts';
import { patient } from '../postgres/patient.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { within } from '../postgres/within.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';

const pgbouncer = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer', '/usr/local/bin/pgbouncer'].find(existsSync);
if (!pgbouncer)
  console.warn('SKIPPED: what uncached says of a pooler needs pgbouncer (apt install pgbouncer)');

const database = testDatabase();
const port = 6432;
let directory: string;
let pooler: ChildProcess;
let site: Site;

beforeAll(async () => {
  if (!pgbouncer) return;
  site = makeSite();
  // It refuses to run as root, and only PostgreSQL's user can use PostgreSQL's socket directory.
  const account = ordinaryAccount();
  directory = mkdtempSync(join(tmpdir(), 'uncached-pooler-'));
  const { host, port: upstream } = inject('postgres');
  const file = join(directory, 'pgbouncer.ini');
  writeFileSync(
    file,
    `[databases]
kept = host=${host} port=${upstream} user=postgres dbname=${database.name} pool_mode=session
* = host=${host} port=${upstream} user=postgres
[pgbouncer]
listen_port = ${port}
unix_socket_dir = ${directory}
auth_type = any
pool_mode = transaction
server_idle_timeout = 1
`,
  );
  if (account) {
    chownSync(directory, account.uid, account.gid);
    chmodSync(directory, 0o755);
  }
  pooler = spawn(pgbouncer, [file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...(account && { uid: account.uid, gid: account.gid }),
  });
  lastWill('kill -9 "$1"; rm -rf "$2"', String(pooler.pid), directory);
  await within(100_000, 'see pgbouncer up', async () => {
    if (!pooler.stderr) return;
    for await (const line of createInterface({ input: pooler.stderr }))
      if (line.includes('process up')) return;
    throw new Error('pgbouncer ended');
  });
  // It would wait for a reader of the rest.
  pooler.stderr?.resume();
});

afterAll(async () => {
  if (!pgbouncer) return;
  const ended = once(pooler, 'exit');
  pooler.kill('SIGKILL');
  await ended;
  rmSync(directory, { recursive: true, force: true });
  site.remove();
});

it.skipIf(!pgbouncer)(
  'says in words that a pooler in transaction mode is in between, and does not pretend to listen',
  async () => {
    const file = site.configure(iniFor(site, { ...database.config, host: directory, port }));
    const checking = uncached(['--config', file, 'check']);
    const daemon = startUncached(file);
    // A loop whose session lost its settings may log a line first.
    const line = await daemon.until(
      'the word pooler',
      ({ event, msg }) => event === 'database-unavailable' && msg.includes('pooler'),
    );
    expect(line.level).toBe(50);
    expect(line.msg).toContain('transaction');
    expect(await daemon.stop()).toBe(0);
    expect(daemon.log.map(({ event }) => event)).not.toContain('listening');

    const { code, stdout, stderr } = await checking;
    expect(code).toBe(1);
    expect(stdout + stderr).toContain('pooler');
  },
);

it.skipIf(!pgbouncer)(
  'says so with listen = no, too: it would not notice that the server crashes',
  async () => {
    const more = '[daemon]\nlisten = no\nheartbeat = 1s';
    const file = site.configure(iniFor(site, { ...database.config, host: directory, port }, { more }));
    const daemon = startUncached(file);
    await daemon.until(
      'the mode of the pooler',
      ({ level, msg }) => level === 50 && msg.includes('a pooler in transaction or statement mode'),
    );
    expect(await daemon.stop()).toBe(0);
  },
);

it.skipIf(!pgbouncer)('in session mode, ends a session with its process of the server', async () => {
  const hosts = openHosts([{ ...database.config, host: directory, port, database: 'kept' }], patient);
  const pool = openPool(hosts);
  const session = await pollInstead(hosts, pool);
  try {
    await session.heartbeat();
    await withClient(database.config, (client) =>
      client.query(
        'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
      ),
    );
    expect((await session.lost).message).toBe('PostgreSQL, or what is in between, closed it');
  } finally {
    session.close();
    await pool.end();
  }
});
