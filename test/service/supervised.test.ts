import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { lastWill } from '../last-will.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type Order, type Supervisor, supervisors } from './supervisors.ts';

const database = testDatabase();
const project = resolve(import.meta.dirname, '../..');

function missing({ name, programs }: Supervisor): string | undefined {
  if (userInfo().uid !== 0) return 'only root may become the user that the scripts name';
  const found = spawnable(programs);
  return found ? undefined : `it is not installed: apt-get install ${name}`;
}

function spawnable(programs: readonly string[]): boolean {
  const path = (process.env.PATH ?? '').split(':');
  return programs.every((program) => path.some((directory) => existsSync(join(directory, program))));
}

let client: Client;
let site: Site;
let folder: string;
let scanner: ChildProcess | undefined;
let release: () => Promise<void>;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());
afterEach(async () => {
  await release();
  await forgetClearings(client);
  site.remove();
  rmSync(folder, { recursive: true });
});

describe.each(supervisors)('under $name', (supervisor) => {
  const why = missing(supervisor);
  if (why) console.warn(`SKIPPED: service/${supervisor.name} is not tried, since ${why}`);

  it.skipIf(why)(
    'reloads, restarts, is started again after a death, and stops',
    { timeout: 120_000 },
    async () => {
      const service = install(supervisor);
      start(supervisor, service);
      const tell = (order: Order) => call(supervisor.tell(order, service));
      const logged = (event: string, times: number) =>
        eventually(
          `${event} in the log ${times} times`,
          async () => (log(service).split(`"event":"${event}"`).length > times ? true : undefined),
          async () => `${call(supervisor.status(service))}${log(service)}`,
        );

      await logged('listening', 1);
      tell('reload');
      await logged('listening', 2);
      tell('restart');
      await logged('listening', 3);
      expect(log(service).match(/"event":"stopped"/g)).toHaveLength(1);
      tell('kill');
      await logged('listening', 4);
      expect(log(service).match(/"event":"stopped"/g)).toHaveLength(1);
      tell('down');
      await logged('stopped', 2);
      await until(supervisor, service, supervisor.isDown);
    },
  );
});

/** Installs the shipped scripts as an administrator would, with a changed user, and a configuration. */
function install({ name, asUser }: Supervisor): string {
  site = makeSite();
  folder = mkdtempSync(join(tmpdir(), 'uncached-sv-'));
  const service = join(folder, 'service/uncached');
  cpSync(join(project, 'service', name), service, { recursive: true });
  const accounts = { run: 'uncached', 'log/run': 'uncachedlog' };
  for (const [file, account] of Object.entries(accounts)) {
    const script = readFileSync(join(service, file), 'utf8');
    expect(script).toContain(`${asUser} ${account} `);
    writeFileSync(join(service, file), script.replaceAll(`${asUser} ${account} `, `${asUser} root `));
  }
  mkdirSync(join(service, 'log/main'));
  writeFileSync(join(service, 'env/UNCACHED_CONFIG'), `${site.configure(iniFor(site, database.config))}\n`);
  const program = `#!/bin/sh\nexec ${process.execPath} ${project}/dist/program/main.js "$@"\n`;
  writeFileSync(join(folder, 'uncached'), program, { mode: 0o755 });
  return service;
}

function start(supervisor: Supervisor, service: string): void {
  const [program, ...args] = supervisor.scan(join(folder, 'service'));
  const env = { ...process.env, PATH: `${folder}:${process.env.PATH}` };
  scanner = spawn(program, args, { env, stdio: 'ignore' });
  const will = `kill "$1"; ${supervisor.release(service).join(' ')}; rm -rf "$2"`;
  const revoke = lastWill(will, String(scanner.pid), folder);
  release = async () => {
    scanner?.kill();
    call(supervisor.release(service));
    // Its log, too, which has files in the folder.
    const both = [service, join(service, 'log')];
    await eventually(
      'supervised no more',
      async () => (both.some((service) => isSupervised(supervisor, service)) ? undefined : true),
      async () => both.map((service) => call(supervisor.status(service))).join(''),
    );
    revoke();
  };
}

/** The program's output. These programs fail when their supervisor is gone. */
function call([program, ...args]: readonly [string, ...string[]]): string {
  try {
    return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  } catch (error) {
    return String((error as { stdout?: string }).stdout);
  }
}

function isSupervised(supervisor: Supervisor, service: string): boolean {
  return /\b(up|down)\b/.test(call(supervisor.status(service)).replaceAll(service, ''));
}

function until(supervisor: Supervisor, service: string, state: RegExp): Promise<true> {
  const status = () => call(supervisor.status(service));
  return eventually(
    String(state),
    async () => (state.test(status()) ? true : undefined),
    async () => status(),
  );
}

function log(service: string): string {
  const file = join(service, 'log/main/current');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
