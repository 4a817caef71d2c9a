import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Client } from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withAdvice } from '../../src/postgres/advice.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { eventually } from '../faults/eventually.ts';
import { withClient } from '../postgres/connection.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { uncached } from '../uncached.ts';

const me = userInfo().username;
const reserved = 3;
/** More than are needed: a session that is refused has its place until its process has ended. */
const mostSessions = 8;

let server: LaunchedServer;
let folder: string;
let site: Site;

beforeAll(async () => {
  site = makeSite();
  folder = mkdtempSync(join(tmpdir(), 'uncached-hba-'));
  chmodSync(folder, 0o755);
  const hba = join(folder, 'pg_hba.conf');
  const lines = [
    'local all postgres,ordinary trust',
    `local all listening scram-sha-256`,
    'local all peered peer',
    'local all mapped peer map=nobody',
    'local all rejected reject',
    `local all ${me} trust`,
  ];
  writeFileSync(hba, lines.map((line) => `${line}\n`).join(''));
  server = await launchServer({
    settings: {
      hba_file: hba,
      max_connections: String(mostSessions),
      superuser_reserved_connections: String(reserved),
    },
  });
  await withClient(server, (client) =>
    client.query(
      `CREATE ROLE listening LOGIN PASSWORD 'right'; CREATE ROLE ordinary LOGIN; CREATE ROLE mapped LOGIN`,
    ),
  );
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
  site.remove();
});

it.each([
  ['a wrong password', { user: 'listening', password: 'wrong' }],
  ['no password', { user: 'listening' }],
  ['a user that pg_hba.conf does not know', { user: 'stranger' }],
])('%s: ends with an error that says what to do', async (_what, who) => {
  const { host, port, database } = server;
  const file = site.configure(iniFor(site, { host, port, database, ...who }));
  const env = { PGPASSFILE: '/nowhere', PGPASSWORD: undefined };
  const expected =
    who.user === 'stranger' ? 'pg_hba.conf has no line for this user' : 'set password under [database]';
  const run = await uncached(['--config', file, 'run'], env);
  expect(run.stdout).toContain(expected);
  if ('password' in who) expect(run.stdout).toMatch(/\\password .*listening.* in psql sets one/);
  expect(run.code).toBe(1);
  const drain = await uncached(['--config', file, 'drain'], env);
  expect(drain.stderr).toContain(expected);
  expect(drain.code).toBe(1);
});

it('without a user, the name of the system is taken, and that is said', async () => {
  const { host, port, database, user } = server;
  const text = iniFor(site, { host, port, database, user }).replace(/^user = .*$/m, '');
  const { code, stderr } = await uncached(['--config', site.configure(text), 'failing', 'list'], {
    PGUSER: undefined,
  });
  expect(code).toBe(1);
  expect(stderr).toContain(
    `role "${me}" does not exist (${me} is who runs this, whose name is taken where user under [database] is not set: set it to the role of the daemon; else: `,
  );
});

/** The error that a session of the role gets. */
async function told(user: string): Promise<string> {
  const { host, port, database } = server;
  const pool = openPool(openHosts([{ host, port, database, user }]));
  try {
    const error: unknown = await pool.query('SELECT').catch((caught) => caught);
    return withAdvice('Cannot connect', error).message;
  } finally {
    await pool.end();
  }
}

it.each([
  [
    'peered',
    `only the system's user peered may connect as this role, and this runs as ${me}: run it as that user, or give`,
  ],
  ['mapped', 'Peer authentication failed'],
  ['rejected', 'a line "reject" of pg_hba.conf shuts this user out'],
  [
    'stranger',
    'pg_hba.conf has no line for this user, database and address: add one, then SELECT pg_reload_conf()',
  ],
])('the role %s is told why it is not let in', async (user, remedy) => {
  const message = await told(user);
  expect(message).toContain(remedy);
  expect(message).not.toContain('who runs this');
});

it('a server, a database or a role that is full is reported as such', async () => {
  await withClient(server, async (client) => {
    await client.query('ALTER ROLE ordinary CONNECTION LIMIT 0');
    expect(await told('ordinary')).toContain('queue table: ALTER ROLE "ordinary" CONNECTION LIMIT -1');
    await client.query('ALTER ROLE ordinary CONNECTION LIMIT -1; ALTER DATABASE postgres CONNECTION LIMIT 0');
    expect(await told('ordinary')).toContain('queue table: ALTER DATABASE "postgres" CONNECTION LIMIT -1');
    await client.query('ALTER DATABASE postgres CONNECTION LIMIT -1');
    const others: Client[] = [];
    try {
      for (const sessions of [mostSessions - reserved, mostSessions]) {
        while (others.length + 1 < sessions) {
          const other = () => connect(server).catch(() => undefined);
          others.push(await eventually('a place', other, async () => `${others.length + 1} sessions`));
        }
        expect(await told('ordinary')).toContain('queue table: raise max_connections in postgresql.conf');
      }
    } finally {
      for (const other of others) await other.end();
    }
  });
});
