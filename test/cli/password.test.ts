import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { uncached } from '../uncached.ts';

let server: LaunchedServer;
let folder: string;
let site: Site;

beforeAll(async () => {
  site = makeSite();
  folder = mkdtempSync(join(tmpdir(), 'uncached-hba-'));
  chmodSync(folder, 0o755);
  const hba = join(folder, 'pg_hba.conf');
  writeFileSync(hba, 'local all postgres trust\nlocal all listening scram-sha-256\n');
  server = await launchServer({ settings: { hba_file: hba } });
  await withClient(server, (client) => client.query(`CREATE ROLE listening LOGIN PASSWORD 'right'`));
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
    who.user === 'stranger' ? 'pg_hba.conf does not let this user in' : 'set password under [database]';
  const run = await uncached(['--config', file, 'run'], env);
  expect(run.stdout).toContain(expected);
  expect(run.code).toBe(1);
  const drain = await uncached(['--config', file, 'drain'], env);
  expect(drain.stderr).toContain(expected);
  expect(drain.code).toBe(1);
});
