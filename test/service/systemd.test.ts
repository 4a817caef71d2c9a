import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openSystemd } from '../../src/observe/systemd.ts';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { startUncached } from '../uncached.ts';

const project = resolve(import.meta.dirname, '../..');
const missing = ['systemd-notify', 'systemd-analyze', 'python3'].find((program) => !isInstalled(program));
if (missing)
  console.warn(
    `SKIPPED: what systemd is told is not tried, since ${missing} is missing: apt-get install systemd python3`,
  );

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, program)));
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-sd-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** The part of systemd that reads NOTIFY_SOCKET. Node has no sockets of this kind. */
const receiver = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print("bound", flush=True)
while True:
    print(s.recv(4096).decode().strip().replace("\\n", " | "), flush=True)
`;

describe.skipIf(missing)('the real daemon notifies systemd', () => {
  const database = testDatabase();
  let site: Site;
  let python: ChildProcess;
  let heard: string[];

  beforeEach(async () => {
    site = makeSite();
    heard = [];
    python = spawn('python3', ['-c', receiver, join(folder, 'notify')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    createInterface({ input: python.stdout as NodeJS.ReadableStream }).on('line', (line) => heard.push(line));
    await told(/^bound$/);
  });
  afterEach(() => {
    python.kill();
    site.remove();
  });

  const told = (message: RegExp, times = 1) =>
    eventually(
      `told ${message} ${times} times`,
      async () => (heard.filter((line) => message.test(line)).length >= times ? true : undefined),
      async () => heard.join('\n'),
    );
  const start = (ini: string) =>
    startUncached(site.configure(ini), { NOTIFY_SOCKET: join(folder, 'notify'), WATCHDOG_USEC: '1000000' });

  it('READY, RELOADING, STATUS, WATCHDOG with each heartbeat, STOPPING', { timeout: 120_000 }, async () => {
    const daemon = start(iniFor(site, database.config, { more: '[daemon]\nheartbeat = 1s' }));
    await told(/READY=1 \| STATUS=listening to \d+ channels$/);
    await told(/WATCHDOG=1 \| STATUS=listening; 0 files deleted for 0 entries$/, 2);
    // From now on heartbeats are rare. The last message would be lost if it waited for one.
    site.configure(iniFor(site, database.config));
    process.kill(daemon.pid, 'SIGHUP');
    await told(/RELOADING=1 \| MONOTONIC_USEC=\d+ \| STATUS=SIGHUP$/);
    await told(/READY=1/, 2);
    site.configure('nonsense');
    process.kill(daemon.pid, 'SIGHUP');
    await told(/STATUS=the new configuration has problems/);
    expect(await daemon.stop()).toBe(0);
    await told(/STOPPING=1 \| STATUS=/);
  });

  it('READY, and goes on telling WATCHDOG, while it waits for PostgreSQL', { timeout: 120_000 }, async () => {
    const daemon = start(iniFor(site, { ...database.config, host: folder }));
    await told(/READY=1 \| STATUS=no connection: .*no such socket/);
    await told(/WATCHDOG=1$/, 2);
    expect(await daemon.stop()).toBe(0);
  });

  it('and its unit is one that systemd understands and rates as well confined', () => {
    const unit = readFileSync(join(project, 'service/uncached.service'), 'utf8');
    const file = join(folder, 'uncached.service');
    // The drop-in of the unit's header, with the lines that a site adds.
    const dropIn = [...unit.matchAll(/^# {3}(\[?[A-Z].*)$/gm)].map(([, line = '']) => line).join('\n');
    mkdirSync(`${file}.d`);
    writeFileSync(join(`${file}.d`, 'site.conf'), `${dropIn.replace(/^User=.*/m, 'User=daemon')}\n`);
    // With a program and a user that exist on this machine, because `verify` checks both.
    const here = unit
      .replace('/usr/bin/env uncached', '/usr/bin/env true')
      .replace(/^User=.*/m, 'User=daemon');
    writeFileSync(file, here);
    // It always exits with 0.
    expect(execFileSync('sh', ['-c', `systemd-analyze verify ${file} 2>&1`], { encoding: 'utf8' })).toBe('');
    const report = execFileSync('systemd-analyze', ['security', '--offline=true', file], {
      encoding: 'utf8',
    });
    const score = Number(/exposure level for uncached\.service: ([\d.]+)/.exec(report)?.[1]);
    // README.md says 1.8, measured with systemd 252. Other versions differ slightly.
    expect(score).toBeLessThanOrEqual(2);
    // The drop-in was read, and adds the site's mounts.
    const bad = join(`${file}.d`, 'bad.conf');
    writeFileSync(bad, '[Unit]\nRequiresMountsFor=relative\n');
    expect(
      execFileSync('sh', ['-c', `systemd-analyze verify ${file} 2>&1 || true`], { encoding: 'utf8' }),
    ).toContain('bad.conf:2');
    expect(dropIn).toMatch(/^RequiresMountsFor=\/srv\/cache /m);
    expect(unit).toMatch(/^RequiresMountsFor=(.*)$[\s\S]*^ReadWritePaths=\1$/m);
  });
});

describe('openSystemd', () => {
  const said = () => (existsSync(join(folder, 'said')) ? readFileSync(join(folder, 'said'), 'utf8') : '');
  const until = (word: string) =>
    eventually(
      `told ${word}`,
      async () => (said().includes(word) ? true : undefined),
      async () => said(),
    );
  const env = () => ({
    NOTIFY_SOCKET: '/nowhere',
    WATCHDOG_USEC: '100000000',
    PATH: `${folder}:${process.env.PATH}`,
  });

  beforeEach(() => {
    const program = `#!/bin/sh\nshift\necho "$@" >>${folder}/said\n`;
    writeFileSync(join(folder, 'systemd-notify'), program, { mode: 0o755 });
  });

  it('does not feed the watchdog while a clearing hangs', async () => {
    const systemd = openSystemd(() => {}, env());
    let waitingMs = 100_001;
    systemd.monitorWorkers({ waitingMs: () => waitingMs });
    systemd.observe({ kind: 'heartbeat', ms: 1 });
    systemd.observe({ kind: 'stopping', signal: 'SIGTERM' });
    await until('STOPPING');
    expect(said()).not.toContain('WATCHDOG');
    waitingMs = 99_999;
    systemd.observe({ kind: 'heartbeat', ms: 1 });
    await until('WATCHDOG=1');
  });

  it('feeds even a hasty watchdog while a worker that a disk does not answer is about to be given up', async () => {
    const systemd = openSystemd(() => {}, { ...env(), WATCHDOG_USEC: '1000000' });
    systemd.monitorWorkers({ waitingMs: () => 12_000 });
    systemd.observe({ kind: 'heartbeat', ms: 1 });
    await until('WATCHDOG=1');
  });

  it('says once that systemd-notify is missing', async () => {
    const events: string[] = [];
    const systemd = openSystemd(({ kind }) => events.push(kind), { ...env(), PATH: '/nowhere' });
    for (const signal of ['SIGTERM', 'SIGINT']) systemd.observe({ kind: 'stopping', signal });
    await eventually(
      'told',
      async () => (events.length > 0 ? true : undefined),
      async () => 'nothing',
    );
    expect(events).toEqual(['systemd-notify-failed']);
  });

  it('notifies nobody where nobody asked', async () => {
    openSystemd(() => {}, { PATH: folder }).observe({ kind: 'stopping', signal: 'SIGTERM' });
    openSystemd(() => {}, env()).observe({ kind: 'reload-refused', problems: [], retryMs: null });
    await until('the new configuration has problems');
    expect(said()).not.toContain('STOPPING');
  });
});
