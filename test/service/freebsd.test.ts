import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { lastWill } from '../last-will.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';

/**
 * The rc.d script with stand-ins of our own for rc.subr(8) and daemon(8), which do what FreeBSD's do as far as it asks them (read from
 * libexec/rc/rc.subr and usr.sbin/daemon/daemon.c): among it, that daemon(8) leaves at SIGTERM while its child is still stopping.
 */
const database = testDatabase();
const project = resolve(import.meta.dirname, '../..');
let client: Client;
let site: Site;
let folder: string;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());

beforeEach(() => {
  site = makeSite();
  folder = mkdtempSync(join(tmpdir(), 'uncached-rc-'));
  lastWill('cat "$1"/*.pid | xargs -r kill -9; rm -rf "$1"', folder);
  writeFileSync(join(folder, 'uncached'), `#!/bin/sh\nexec node ${project}/dist/main.js "$@"\n`, {
    mode: 0o755,
  });
  const config = site.configure(
    iniFor(site, database.config, { handlers: `${freshportsHandlers}run = sleep 1\n` }),
  );
  writeFileSync(
    join(folder, 'rc.conf'),
    `fp_listen_enable=YES\nfp_listen_user=freshports\nfp_listen_config=${config}\nfp_listen_program=${folder}/uncached\n`,
  );
  writeFileSync(
    join(folder, 'fp_listen'),
    standIn(readFileSync(join(project, 'service/freebsd/fp_listen'), 'utf8')),
  );
});
afterEach(async () => {
  await service('stop');
  site.remove();
  rmSync(folder, { recursive: true });
});

function standIn(script: string): string {
  const places: [string, string][] = [
    ['. /etc/rc.subr', `. ${import.meta.dirname}/rc.subr`],
    ['command="/usr/sbin/daemon"', `command="${import.meta.dirname}/daemon"`],
    ['"/var/run/', `"${folder}/`],
  ];
  return places.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  }, script);
}

function service(command: string): Promise<{ code: number; stdout: string }> {
  return new Promise((done) => {
    const env = { ...process.env, RC_CONF: join(folder, 'rc.conf'), SYSLOG: join(folder, 'syslog') };
    execFile('sh', [join(folder, 'fp_listen'), command], { env }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, stdout: stdout + stderr }),
    );
  });
}

const syslog = () => (existsSync(join(folder, 'syslog')) ? readFileSync(join(folder, 'syslog'), 'utf8') : '');
const childPid = () => Number(readFileSync(join(folder, 'fp_listen.child.pid'), 'utf8'));

/** As many lines of this event in syslog. */
const logged = (event: string, times = 1) =>
  eventually(
    `${event} in syslog ${times} times`,
    async () => (syslog().split(`"event":"${event}"`).length > times ? true : undefined),
    async () => syslog(),
  );

async function clears(page: string): Promise<void> {
  site.write([`ports/www/a/${page}`]);
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
  );
  await eventually(
    'cleared',
    async () => (site.pages().length === 0 ? true : undefined),
    async () => syslog(),
  );
}

it('starts, tells its status, reloads, checks, restarts after a death, and stops', {
  timeout: 60_000,
}, async () => {
  expect(await service('status')).toEqual({ code: 1, stdout: 'fp_listen is not running.\n' });
  expect(await service('start')).toEqual({ code: 0, stdout: 'Starting fp_listen.\n' });
  await logged('listening');
  expect((await service('status')).stdout).toMatch(/^fp_listen is running as pid \d+\.\n$/);
  expect(syslog()).toMatch(/^freshports local3\.info fp_listen: \{"level":30,/);
  await clears('1');

  expect((await service('configtest')).stdout).toContain('the template "news/*" matches nothing');
  expect((await service('reload')).code).toBe(0);
  await logged('listening', 2);

  const first = childPid();
  process.kill(first, 'SIGKILL');
  await logged('listening', 3);
  expect(childPid()).not.toBe(first);
  await clears('2');

  expect(await service('stop')).toEqual({ code: 0, stdout: 'Stopping fp_listen.\n' });
  expect(await service('reload')).toEqual({ code: 1, stdout: 'fp_listen is not running.\n' });
});

it('has ended when stop is done, although it was in the middle of a batch and its log was cut off', {
  timeout: 60_000,
}, async () => {
  await service('start');
  await logged('listening');
  const pid = childPid();
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
  );
  await eventually(
    'claimed',
    async () => ((await journalRows()) > 0 ? true : undefined),
    async () => syslog(),
  );
  expect((await service('stop')).code).toBe(0);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(syslog()).not.toContain('"event":"stopped"');
});

async function journalRows(): Promise<number> {
  return (await client.query('SELECT FROM uncached.journal')).rows.length;
}

it('does not start without its configuration', async () => {
  writeFileSync(join(folder, 'rc.conf'), `fp_listen_config=${folder}/missing.ini\n`);
  expect(await service('start')).toEqual({ code: 1, stdout: `${folder}/missing.ini is not readable.\n` });
});
