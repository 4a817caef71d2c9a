import { appendFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { childPid, client, folder, logged, service, site, syslog } from './rc-installation.ts';

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
    async () => ((await logRows()) > 0 ? true : undefined),
    async () => syslog(),
  );
  expect((await service('stop')).code).toBe(0);
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
  expect(syslog()).not.toContain('"event":"stopped"');
});

async function logRows(): Promise<number> {
  return (await client.query('SELECT FROM uncached.log')).rows.length;
}

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

it('checks with the home directory of the account, as the daemon runs', async () => {
  const { username, homedir } = userInfo();
  writeFileSync(join(folder, 'program'), '#!/bin/sh\necho "at home in $HOME"\n');
  appendFileSync(join(folder, 'rc.conf'), `uncached_user=${username}\nuncached_env="HOME=/nowhere"\n`);
  expect((await service('configtest')).stdout).toBe(`as ${username}:\nat home in ${homedir}\n`);
});

it('does not start without its configuration', async () => {
  writeFileSync(join(folder, 'rc.conf'), `uncached_config=${folder}/missing.ini\n`);
  expect(await service('start')).toEqual({ code: 1, stdout: `${folder}/missing.ini is not readable.\n` });
});
