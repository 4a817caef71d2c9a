import { execFileSync, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { lastWill } from '../last-will.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';

const database = testDatabase();
const project = resolve(import.meta.dirname, '../..');
const why = missing();
if (why) console.warn(`SKIPPED: service/daemontools is not tried, since ${why}`);

/** setgroups(2) is root's. */
function missing(): string | undefined {
  if (userInfo().uid !== 0) return 'setuidgid works for root only';
  try {
    execFileSync('which', ['svscan', 'svc', 'svstat', 'multilog', 'setuidgid', 'envdir']);
    return undefined;
  } catch {
    return 'daemontools is not installed: apt-get install daemontools';
  }
}

let site: Site;
let folder: string;
let service: string;
let stopScanning: () => Promise<void>;

beforeEach(() => {
  site = makeSite();
  folder = mkdtempSync(join(tmpdir(), 'uncached-svc-'));
  service = join(folder, 'service/uncached');
  cpSync(join(project, 'service/daemontools'), service, { recursive: true });
  for (const file of ['run', 'log/run']) {
    const script = readFileSync(join(service, file), 'utf8');
    expect(script).toContain('setuidgid freshports ');
    writeFileSync(join(service, file), script.replaceAll('setuidgid freshports ', 'setuidgid root '));
  }
  writeFileSync(join(service, 'env/UNCACHED_CONFIG'), `${site.configure(iniFor(site, database.config))}\n`);
  writeFileSync(
    join(folder, 'uncached'),
    `#!/bin/sh\nexec ${process.execPath} ${project}/dist/main.js "$@"\n`,
    {
      mode: 0o755,
    },
  );
});
afterEach(async () => {
  await stopScanning();
  site.remove();
  rmSync(folder, { recursive: true });
});

function scan(): () => Promise<void> {
  const child = spawn('svscan', [join(folder, 'service')], {
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
    stdio: 'ignore',
  });
  const end = `kill "$1"; svc -dx "$2"/service/* "$2"/service/*/log; rm -rf "$2"`;
  const revoke = lastWill(end, String(child.pid), folder);
  return async () => {
    child.kill();
    execFileSync('svc', ['-dx', service, join(service, 'log')]);
    await eventually(
      'supervised no more',
      async () => (running() ? undefined : true),
      async () => svstat(),
    );
    revoke();
  };
}

const svc = (option: string) => execFileSync('svc', [option, service]);
const svstat = () => execFileSync('svstat', [service], { encoding: 'utf8' });
const running = () => !svstat().includes('supervise not running');
const log = () => readFileSync(join(service, 'log/main/current'), 'utf8');

/** As many lines of this event in what multilog has written. */
const logged = (event: string, times: number) =>
  eventually(
    `${event} in the log ${times} times`,
    async () => {
      try {
        return log().split(`"event":"${event}"`).length > times ? true : undefined;
      } catch {
        return undefined;
      }
    },
    async () => svstat(),
  );

it.skipIf(why)(
  'runs under daemontools: -h reloads, -t and -k restart, -d stops',
  { timeout: 60_000 },
  async () => {
    stopScanning = scan();
    await logged('listening', 1);
    expect(log()).toMatch(/^@[0-9a-f]{24} \{"level":30,/);

    svc('-h');
    await logged('listening', 2);
    svc('-t');
    await logged('listening', 3);
    expect(log().match(/"event":"stopped"/g)).toHaveLength(1);
    svc('-k');
    await logged('listening', 4);
    expect(log().match(/"event":"stopped"/g)).toHaveLength(1);

    svc('-d');
    await logged('stopped', 2);
    await eventually(
      'down',
      async () => (/: down \d+ seconds/.test(svstat()) ? true : undefined),
      async () => svstat(),
    );
  },
);
