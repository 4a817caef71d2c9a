import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { ordinaryAccount } from '../postgres/account.ts';
import { childPid, folder, logged, project, service } from './rc-installation.ts';

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

it('service fp_listen is uncached, whichever script has the name, and is running also for the user of the web site', {
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
  'service fp_listen leaves %s, at boot and at shutdown, to uncached',
  async (command) => {
    expect(await fpListen(command)).toEqual({ code: 0, stdout: '' });
    expect((await fpListen('status')).code).toBe(1);
  },
);
