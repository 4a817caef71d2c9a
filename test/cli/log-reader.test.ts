import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { lastWill } from '../last-will.ts';
import { iniFor } from '../site.ts';
import { type LogLine, main } from '../uncached.ts';
import { client, database, site } from './site-and-database.ts';

/* A reader of the log that hangs: multilog on a full disk, a stopped pager, journald under load. */

interface Reader {
  /** Everything read so far. */
  text(): string;
  stop(): void;
  goOn(): void;
}

let ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends) end();
  ends = [];
});

/** No heartbeat is due while the chatter makes the daemon too busy for it. */
const more = '[daemon]\nlog = debug\nheartbeat = 1h';
const config = () => site.configure(iniFor(site, database.config, { settle: '1h', more }));

function startWith(stdout: number | 'pipe', format: string): ChildProcess {
  const daemon = spawn(process.execPath, [main, '--config', config(), 'run', `--log-format=${format}`], {
    stdio: ['ignore', stdout, 'pipe'],
  });
  const revoke = lastWill('kill -9 "$1"', String(daemon.pid));
  daemon.once('close', revoke);
  ends.push(() => daemon.kill('SIGKILL'));
  return daemon;
}

/** A pipe as a shell makes it. Writes to it block, unless the daemon prevents that. */
function throughPipe(format: string): { daemon: ChildProcess; reader: Reader } {
  const pipe = join(dirname(site.root), 'pipe');
  const out = join(dirname(site.root), 'log');
  execFileSync('mkfifo', [pipe]);
  const cat = spawn('sh', ['-c', 'exec cat "$1" > "$2"', 'sh', pipe, out], { stdio: 'ignore' });
  const revoke = lastWill('kill -9 "$1"', String(cat.pid));
  cat.once('close', revoke);
  ends.push(() => cat.kill('SIGKILL'));
  const writable = openSync(pipe, 'w');
  const daemon = startWith(writable, format);
  closeSync(writable);
  const reader = {
    text: () => readFileSync(out, 'utf8'),
    stop: () => cat.kill('SIGSTOP'),
    goOn: () => cat.kill('SIGCONT'),
  };
  return { daemon, reader };
}

/** A stream socket, as journald and Node's child processes use. It cannot be opened a second time. */
function throughSocket(format: string): { daemon: ChildProcess; reader: Reader } {
  const daemon = startWith('pipe', format);
  let text = '';
  daemon.stdout?.setEncoding('utf8').on('data', (data) => {
    text += data;
  });
  const reader = {
    text: () => text,
    stop: () => daemon.stdout?.pause(),
    goOn: () => daemon.stdout?.resume(),
  };
  return { daemon, reader };
}

const until = (reader: Reader, what: string, pattern: RegExp) =>
  eventually(
    what,
    async () => pattern.test(reader.text()) || undefined,
    async () => reader.text().slice(-1_000),
  );

const cleared = () =>
  eventually(
    'cleared',
    async () => site.pages().length === 0 || undefined,
    async () => site.pages().join(),
  );

/** Enqueues an entry. Resolves with the time until its page is gone. */
async function clearOne(port: string): Promise<number> {
  site.write([`ports/www/${port}/1`]);
  await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1)`, [port]);
  const asked = performance.now();
  await client.query('NOTIFY port_updated');
  await cleared();
  return performance.now() - asked;
}

/**
 * Several megabytes of log. Resolves when the daemon has tried to write them: a notification for another
 * handler comes after those.
 */
async function chatter(): Promise<void> {
  await client.query(`
    DO $$ BEGIN
      FOR i IN 1..50000 LOOP PERFORM pg_notify('port_updated', i::text); END LOOP;
    END $$`);
  site.write(['daily/2020/01/03.head']);
  await client.query(
    `INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03'); NOTIFY date_updated`,
  );
  await cleared();
}

describe.each([
  ['a pipe', 'json', throughPipe],
  ['a pipe', 'text', throughPipe],
  ['a socket', 'journald', throughSocket],
] as const)('%s, in %s', (_what, format, through) => {
  it('that is not read slows no clearing, and says how much is lost when it is read', async () => {
    const { daemon, reader } = through(format);
    await until(reader, 'LISTEN', /listening to/);
    reader.stop();
    await chatter();
    const times: number[] = [];
    for (const port of ['a', 'b', 'c', 'd', 'e']) times.push(await clearOne(port));
    // A log that is waited for would slow each of them, a busy machine some of them.
    expect(Math.min(...times)).toBeLessThan(3_000);
    reader.goOn();
    await until(reader, 'the number of lost lines', /lost/);
    await clearOne('f');
    daemon.kill('SIGTERM');
    const [code] = await once(daemon, 'exit');
    expect(code).toBe(0);
    await until(reader, 'the last line', /stopped[^\n]*\n$/);
    const lines = reader.text().trimEnd().split('\n');
    const lost = Number(/(\d+) lines are lost/.exec(reader.text())?.[1]);
    expect(lost).toBeGreaterThan(1_000);
    // Each line is complete, and each missing line is counted.
    if (format === 'json') {
      const parsed = lines.map((line) => JSON.parse(line) as LogLine);
      expect(parsed.filter(({ event }) => event === 'notified').length + lost).toBeGreaterThan(50_000);
    }
  });

  it('that is not read keeps SIGTERM from nothing', async () => {
    const { daemon, reader } = through(format);
    let complaints = '';
    daemon.stderr?.on('data', (data) => {
      complaints += data;
    });
    await until(reader, 'LISTEN', /listening to/);
    reader.stop();
    await chatter();
    const asked = performance.now();
    daemon.kill('SIGTERM');
    const [code] = await once(daemon, 'exit');
    expect(code).toBe(0);
    // doc/usage.md says so, for everything that can hang.
    expect(performance.now() - asked).toBeLessThan(14_000);
    await eventually(
      'a complaint',
      async () => complaints.endsWith('\n') || undefined,
      async () => complaints,
    );
    expect(complaints).toMatch(/^uncached: cannot write the log: its reader does not read\..*\n$/);
  });
});
