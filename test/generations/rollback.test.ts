import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings, unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { handlers } from './handlers.ts';

const database = testDatabase();
let client: Client;
let site: Site;
let folder: string;
let daemon: RunningDaemon | undefined;

const rollback = '[handler.listen_packages_imported]\nrun = zfs rollback system/cache/packages@empty\n';

/**
 * Records each run. `HERE/fail` and `HERE/hang` contain the number of the run that fails or hangs. Two runs
 * at once would be noticed.
 */
const fakeZfs = `#!/bin/sh
cd "$(dirname "$0")"
mkdir running || echo twice >> overlap
echo "$*" >> runs
number=$(wc -l < runs)
if [ "$(cat hang)" = "$number" ]; then while [ -s hang ]; do sleep 0.02; done; fi
rmdir running
if [ "$(cat fail)" != "" ] && [ "$(cat fail)" -le "$number" ]; then echo 'cannot rollback: dataset is busy' >&2; exit 1; fi
`;
const set = (what: 'fail' | 'hang', run: number | '') => writeFileSync(join(folder, what), String(run));
const runs = () => {
  const path = join(folder, 'runs');
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
};

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
  await client.query(
    `INSERT INTO listen_for (name, script_name) VALUES ('packages_imported', 'listen_packages_imported')`,
  );
});
afterAll(() => client.end());
beforeEach(async () => {
  site = makeSite();
  folder = mkdtempSync(join(tmpdir(), 'uncached-zfs-'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'zfs'), fakeZfs);
  chmodSync(join(folder, 'zfs'), 0o755);
  set('fail', '');
  set('hang', '');
});
afterEach(async () => {
  set('hang', '');
  await daemon?.stop();
  daemon = undefined;
  expect(existsSync(join(folder, 'overlap'))).toBe(false);
  await forgetClearings(client);
  await client.query('TRUNCATE cache_clearing_ports');
  site.remove();
  rmSync(folder, { recursive: true });
});

const env = () => ({ PATH: `${folder}:${process.env.PATH}` });
const configure = () => {
  const more = '[daemon]\nsweep = 1s';
  return site.configure(iniFor(site, database.config, { handlers: handlers + rollback, more }));
};

async function start(): Promise<RunningDaemon> {
  daemon = startUncached(configure(), env());
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  return daemon;
}

const rowsOf = async (handler: string) =>
  (
    await client.query<{ attempts: number; last_error: string | null }>(
      `SELECT attempts, last_error FROM ${unsettled} WHERE handler = $1`,
      [handler],
    )
  ).rows;

const state = async () => {
  const { rows } = await client.query(`SELECT * FROM ${unsettled}`);
  return JSON.stringify([runs().length, rows, daemon?.log.slice(-8)]);
};
const until = (what: string, holds: () => boolean | Promise<boolean>) =>
  eventually(what, async () => ((await holds()) ? true : undefined), state);

/** All work that the start caused is done. */
const quiet = () => until('quiet', async () => (await rowsOf('listen_packages_imported')).length === 0);

/**
 * Resolves when the catch-up has ended. A handler's work is done in sequence, so a second notification's comes after
 * it. The daemon's log shows this. The database does not: reading it may run again what the catch-up has just recorded.
 */
async function startQuietly(): Promise<void> {
  const { log } = await start();
  for (const least of [1, 2]) {
    await until('the clearing', () => log.filter(isCleared).length >= least);
    await quiet();
    if (least === 1) await client.query('NOTIFY packages_imported');
  }
}

const isCleared = ({ event, handler }: { event?: unknown; handler?: unknown }) =>
  event === 'cleared' && handler === 'listen_packages_imported';

const begun = (run: number) => until(`run ${run}`, () => runs().length >= run);

async function portsAreServed(): Promise<void> {
  site.write(['ports/www/a/1']);
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
  );
  await until('cleared', () => !site.pages().includes('ports/www/a/1'));
  await until('settled', async () =>
    (await rowsOf('listen_port')).every(({ last_error }) => last_error !== null),
  );
}

describe('zfs rollback', () => {
  it('runs for each notification: at its clearing, and at its second clearing', async () => {
    await startQuietly();
    const before = runs().length;
    await client.query('NOTIFY packages_imported');
    await begun(before + 2);
    await quiet();
    await portsAreServed();
    expect(runs()).toEqual(Array(before + 2).fill('rollback system/cache/packages@empty'));
  });

  it('is tried again with back-off when it fails, over kill -9 and a restart, without another notification', async () => {
    set('fail', 1);
    const first = await start();
    await until(
      'two failures',
      async () => ((await rowsOf('listen_packages_imported'))[0]?.attempts ?? 0) >= 2,
    );
    expect((await rowsOf('listen_packages_imported'))[0]?.last_error).toBe(
      'cannot run "zfs rollback system/cache/packages@empty": it ended with 1: cannot rollback: dataset is busy',
    );
    await first.stop('SIGKILL');
    const rows = (await rowsOf('listen_packages_imported')).length;
    await start();
    // The start's own catch-up makes one more.
    await until('failures again', async () => (await rowsOf('listen_packages_imported')).length > rows);
    await portsAreServed();
    set('fail', '');
    await quiet();
  });

  it.each([
    ['clearing', 1],
    ['second clearing', 2],
  ])('holds nobody up when it hangs at its %s', async (_which, later) => {
    await startQuietly();
    const hanging = runs().length + later;
    set('hang', hanging);
    await client.query('NOTIFY packages_imported');
    await begun(hanging);
    for (let round = 1; round <= 3; round++) await portsAreServed();
    // Two more sweeps do not take waiting rows for abandoned ones.
    expect(runs()).toHaveLength(hanging);
    set('hang', '');
    await quiet();
    expect(runs()).toHaveLength(hanging + 2 - later);
  });

  it('delays nobody when it hangs at a retry: failing rows of others are tried', async () => {
    await startQuietly();
    const failing = runs().length + 1;
    set('fail', failing);
    set('hang', failing + 1);
    await client.query('NOTIFY packages_imported');
    await begun(failing + 1);
    set('fail', '');
    site.write(['ports/www/a/1']);
    symlinkSync('/nowhere', join(site.root, 'ports/www/link'));
    await client.query(
      `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'link'); NOTIFY port_updated`,
    );
    await until('tries', async () => ((await rowsOf('listen_port'))[0]?.attempts ?? 0) >= 3);
    await portsAreServed();
    expect(runs()).toHaveLength(failing + 1);
    set('hang', '');
    rmSync(join(site.root, 'ports/www/link'));
    await quiet();
  });
});

describe('check', () => {
  it('says when there is no such program, or none that can be run', async () => {
    const check = async () => (await uncached(['--config', configure(), 'check'], env())).stdout;
    expect(await check()).not.toContain('zfs');
    chmodSync(join(folder, 'zfs'), 0o644);
    expect(await check()).toContain(
      '[handler.listen_packages_imported] run = zfs rollback system/cache/packages@empty: there is no program "zfs" in PATH',
    );
  });
});
