import { execFile } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { lastWill } from '../last-will.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings } from '../postgres/unsettled.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';

/*
 * The rc.d script with fakes of rc.subr(8) and daemon(8). They do what FreeBSD's do for this script (read
 * from libexec/rc/rc.subr and usr.sbin/daemon/daemon.c). In particular, daemon(8) exits at SIGTERM while its
 * child is still stopping. Importing this registers its hooks: each test has an installation of its own.
 */

const database = testDatabase();
export const project = resolve(import.meta.dirname, '../..');
export let client: Client;
export let site: Site;
export let folder: string;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());

beforeEach(() => {
  site = makeSite();
  folder = mkdtempSync(join(tmpdir(), 'uncached-rc-'));
  lastWill('cat "$1"/*.pid | xargs -r kill -9; rm -rf "$1"', folder);
  writeFileSync(join(folder, 'program'), `#!/bin/sh\nexec node ${project}/dist/program/main.js "$@"\n`, {
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
    standIn(readFileSync(join(project, 'service/freebsd/uncached'), 'utf8')),
    { mode: 0o755 },
  );
});
afterEach(async () => {
  await service('stop');
  await forgetClearings(client);
  site.remove();
  rmSync(folder, { recursive: true });
});

function standIn(script: string): string {
  const places: [string, string][] = [
    ['. /etc/rc.subr', `. ${folder}/rc.subr`],
    ['command="/usr/sbin/daemon"', `command="${import.meta.dirname}/daemon"`],
    ['"/var/run/', `"${folder}/`],
  ];
  return places.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  }, script);
}

export function service(
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

export const syslog = () =>
  existsSync(join(folder, 'syslog')) ? readFileSync(join(folder, 'syslog'), 'utf8') : '';

/** Its process, other than this one. daemon(8) writes it down when the process has begun. */
export const childPid = (former = 0) =>
  eventually(
    'a child',
    async () => {
      const pid = Number(readFileSync(join(folder, 'uncached.child.pid'), 'utf8'));
      return pid > 0 && pid !== former ? pid : undefined;
    },
    async () => syslog(),
  );

/** Resolves when syslog has this many lines of the event. */
export const logged = (event: string, times = 1) =>
  eventually(
    `${event} in syslog ${times} times`,
    async () => (syslog().split(`"event":"${event}"`).length > times ? true : undefined),
    async () => syslog(),
  );
