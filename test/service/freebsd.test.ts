import { execFile } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { lastWill } from '../last-will.ts';
import { ordinaryAccount } from '../postgres/account.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';
import { standIn } from './stand-in.ts';

/**
 * The rc.d script with fakes of rc.subr(8) and daemon(8). They do what FreeBSD's do for this script (read
 * from libexec/rc/rc.subr and usr.sbin/daemon/daemon.c). In particular, daemon(8) exits at SIGTERM while its
 * child is still stopping.
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
  writeFileSync(join(folder, 'program'), `#!/bin/sh\nexec node ${project}/dist/main.js "$@"\n`, {
    mode: 0o755,
  });
  const config = site.configure(
    iniFor(site, database.config, { handlers: `${freshportsHandlers}run = sleep 1\n` }),
  );
  writeFileSync(
    join(folder, 'rc.conf'),
    `uncached_enable=YES\nuncached_user=freshports\nuncached_config=${config}\nuncached_path=${folder}/program\n`,
  );
  // This machine has no user freshports.
  writeFileSync(
    join(folder, 'su'),
    '#!/bin/sh\n[ "$1 $3" = "-m -c" ] && echo "as $2:" && exec sh -c "$4"\n',
    {
      mode: 0o755,
    },
  );
  // Everyone may read the service's output.
  chmodSync(folder, 0o755);
  copyFileSync(join(import.meta.dirname, 'rc.subr'), join(folder, 'rc.subr'));
  writeFileSync(
    join(folder, 'uncached'),
    standIn(readFileSync(join(project, 'service/freebsd/uncached'), 'utf8'), folder),
    { mode: 0o755 },
  );
});
afterEach(async () => {
  await service('stop');
  site.remove();
  rmSync(folder, { recursive: true });
});

function service(
  command: string,
  { name = 'uncached', account = {} }: { name?: string; account?: { uid?: number; gid?: number } } = {},
): Promise<{ code: number; stdout: string }> {
  return new Promise((done) => {
    const env = {
      ...process.env,
      PATH: `${folder}:${process.env.PATH}`,
      RC_CONF: join(folder, 'rc.conf'),
      SYSLOG: join(folder, 'syslog'),
    };
    execFile('sh', [join(folder, name), command], { env, ...account }, (error, stdout, stderr) =>
      done({ code: error ? Number(error.code) : 0, stdout: stdout + stderr }),
    );
  });
}

const syslog = () => (existsSync(join(folder, 'syslog')) ? readFileSync(join(folder, 'syslog'), 'utf8') : '');

/** Its process, other than this one. daemon(8) writes it down when the process has begun. */
const childPid = (former = 0) =>
  eventually(
    'a child',
    async () => {
      const pid = Number(readFileSync(join(folder, 'uncached.child.pid'), 'utf8'));
      return pid > 0 && pid !== former ? pid : undefined;
    },
    async () => syslog(),
  );

/** Resolves when syslog has this many lines of the event. */
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

it('starts, reports its status, reloads, checks, restarts after a death, and stops', {
  timeout: 120_000,
}, async () => {
  expect(await service('status')).toEqual({ code: 1, stdout: 'uncached is not running.\n' });
  expect(await service('start')).toEqual({ code: 0, stdout: 'Starting uncached.\n' });
  await logged('listening');
  expect((await service('status')).stdout).toMatch(/^uncached is running as pid \d+\.\n$/);
  expect(syslog()).toMatch(/^freshports local3\.info uncached: \{"level":30,/);
  await clears('1');

  const { stdout } = await service('configtest');
  expect(stdout).toMatch(/^as freshports:\n/);
  expect(stdout).toContain('the template "news/*" matches nothing');
  const first = await childPid();
  expect((await service('reload')).code).toBe(0);
  await logged('listening', 2);

  process.kill(first, 'SIGKILL');
  await logged('listening', 3);
  await childPid(first);
  await clears('2');

  expect(await service('stop')).toEqual({ code: 0, stdout: 'Stopping uncached.\n' });
  expect(await service('reload')).toEqual({ code: 1, stdout: 'uncached is not running.\n' });
});

it('has ended when stop is done, although it was in the middle of a batch and its log was cut off', {
  timeout: 120_000,
}, async () => {
  await service('start');
  await logged('listening');
  const pid = await childPid();
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

describe('service fp_listen', () => {
  /**
   * The script that an upgrade of fp-listen's package restores, as far as it matters here. It has the same
   * name and would start another daemon.
   */
  const packaged = `#!/bin/sh
. $(dirname "$0")/rc.subr
name=fp_listen
load_rc_config $name
pidfile=/nowhere/fp_listen.pid
command=/bin/echo
command_args='the old daemon'
run_rc_command "$1"
`;

  beforeEach(() => {
    mkdirSync(join(folder, 'rc.conf.d'));
    const redirect = readFileSync(join(project, 'service/freshports/fp_listen'), 'utf8');
    expect(redirect).toContain('exec /usr/local/etc/rc.d/uncached ');
    writeFileSync(
      join(folder, 'rc.conf.d/fp_listen'),
      redirect.replace('exec /usr/local/etc/rc.d/', `exec ${folder}/`),
    );
    writeFileSync(join(folder, 'fp_listen'), packaged, { mode: 0o755 });
  });
  const fpListen = (command: string, account = {}) => service(command, { name: 'fp_listen', account });

  it('is uncached, whichever script has the name, and is running also for the user of the web site', {
    timeout: 120_000,
  }, async () => {
    expect(await fpListen('status')).toEqual({ code: 1, stdout: 'uncached is not running.\n' });
    expect(await fpListen('start')).toEqual({ code: 0, stdout: 'Starting uncached.\n' });
    await logged('listening');
    const account = ordinaryAccount() ?? {};
    expect(await fpListen('status', account)).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^uncached is running as pid \d+\.\n$/),
    });
    await childPid();
    expect((await fpListen('reload')).code).toBe(0);
    await logged('listening', 2);
    expect(await fpListen('stop')).toEqual({ code: 0, stdout: 'Stopping uncached.\n' });
  });

  it.each(['faststart', 'quietstart', 'faststop'])(
    'leaves %s, at boot and at shutdown, to uncached',
    async (command) => {
      expect(await fpListen(command)).toEqual({ code: 0, stdout: '' });
      expect((await fpListen('status')).code).toBe(1);
    },
  );
});

it('passes the environment of rc.conf on, to the daemon and to configtest', {
  timeout: 120_000,
}, async () => {
  appendFileSync(join(folder, 'rc.conf'), 'uncached_env="UNCACHED_HTTP_LISTEN=nowhere"\n');
  const problem = 'UNCACHED_HTTP_LISTEN=nowhere in the environment: must be an address';
  expect((await service('configtest')).stdout).toContain(problem);
  await service('start');
  await eventually(
    'the problem in syslog',
    async () => (syslog().includes(problem) ? true : undefined),
    async () => syslog(),
  );
});

it('does not start without its configuration', async () => {
  writeFileSync(join(folder, 'rc.conf'), `uncached_config=${folder}/missing.ini\n`);
  expect(await service('start')).toEqual({ code: 1, stdout: `${folder}/missing.ini is not readable.\n` });
});
