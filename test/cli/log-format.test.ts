import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { isPrintable } from '../../src/core/printable-text.ts';
import { lastWill } from '../last-will.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type LogLine, main, startUncached, uncached } from '../uncached.ts';
import { noTerminal, onTerminal } from './terminal.ts';

const database = testDatabase();
let site: Site;
let client: Client;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());
beforeEach(() => {
  site = makeSite();
});
afterEach(async () => {
  await forgetClearings(client);
  site.remove();
});

const enqueue = (port: string) =>
  client.query(
    `WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1))
     SELECT pg_notify('port_updated', '')`,
    [port],
  );

/** Runs the daemon until it has cleared a port. Returns its complete output. */
async function log(format: string, port = 'a'): Promise<string[]> {
  site.write(['ports/www/a/1']);
  const file = site.configure(iniFor(site, database.config, { settle: '1h' }));
  const child = spawn(process.execPath, [main, '--config', file, 'run', `--log-format=${format}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const revoke = lastWill('kill -9 "$1"', String(child.pid));
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (line.includes('listening to')) await enqueue(port);
    if (line.includes('cleared listen_port')) child.kill();
  }
  if (child.exitCode === null) await once(child, 'exit');
  revoke();
  return lines;
}

it('text is for people: no colours but on a terminal', async () => {
  const lines = await log('text');
  expect(
    lines.filter((line) => !/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} (info |error) [^\x1b]+$/.test(line)),
  ).toEqual([]);
  expect(lines.find((line) => line.includes('cleared'))).toMatch(
    /cleared listen_port {2}entries=1 keys=1 examples=\[category=www port=a\] files=\d durationMs=[\d.]+ lagMs=[\d.]+$/,
  );
  expect(lines.at(-1)).toMatch(/info {2}stopped$/);
});

it('journald gets priorities and no time', async () => {
  const lines = await log('journald');
  expect(lines[0]).toMatch(/^<6>starting {2}version=/);
  expect(lines.at(-1)).toBe('<6>stopped');
  expect(lines.filter((line) => !/^<[36]>\D/.test(line))).toEqual([]);
});

it.each(['json', 'text', 'journald'])('%s contains a key, and its text has no effect', async (format) => {
  const lines = await log(format, '\x1b[2J\x9b1m\r\n<3>forged\u202e\u2028\x85');
  expect(lines.filter((line) => !isPrintable(line))).toEqual([]);
  const cleared = lines.find((line) => line.includes('cleared listen_port'));
  expect(cleared).toMatch(/\\u001b\[2J\\u009b1m.*<3>forged\\u202e\\u2028\\u0085/);
});

it.skipIf(noTerminal)('is text on a terminal by default', async () => {
  const file = site.configure(iniFor(site, database.config));
  const run = (...args: string[]) =>
    onTerminal(['--config', file, 'run', ...args], { press: (shown) => shown.includes('listening to') });
  const { code, text } = await run();
  expect(code).toBe(0);
  expect(text).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} \x1b\[32minfo \x1b\[0m starting/);
  expect(text).toMatch(/ stopped\n$/);
  expect((await run('--log-format=json')).text).toMatch(/^\{"level"/);
});

it('another format is wrong usage', async () => {
  const { code, stderr } = await uncached(['run', '--log-format=xml']);
  expect(code).toBe(2);
  expect(stderr).toContain('json, text, journald');
});

it('has a line for each batch, and its files at debug, from the next SIGHUP on', async () => {
  site.write(['ports/www/a/1', 'ports/www/b/1', 'ports/www/b/2', 'news/1']);
  const configure = (level: string) =>
    site.configure(iniFor(site, database.config, { settle: '1h', more: `[daemon]\nlog = ${level}` }));
  const daemon = startUncached(configure('info'));
  // A notification whose entry was found before counts as empty, and then the news are cleared.
  const isBatch = ({ event, handler }: LogLine) => event === 'cleared' && handler === 'listen_port';
  const cleared = async () => {
    const from = daemon.log.length;
    const isNew = (line: object) => daemon.log.indexOf(line as never) >= from;
    return {
      listening: () => daemon.until('LISTEN', (line) => line.event === 'listening' && isNew(line)),
      batch: () => daemon.until('clearing', (line) => isBatch(line) && isNew(line)),
    };
  };
  await (await cleared()).listening();
  let next = await cleared();
  await enqueue('a');
  await next.batch();
  expect(daemon.log.filter(isBatch)).toHaveLength(1);
  expect(daemon.log.filter(({ level }) => level < 30)).toEqual([]);

  configure('debug');
  next = await cleared();
  process.kill(daemon.pid, 'SIGHUP');
  await next.listening();
  next = await cleared();
  await enqueue('b');
  await next.batch();
  const paths = daemon.log.filter(({ event }) => event === 'deleted').map(({ path }) => path);
  expect(paths.sort()).toEqual(['ports/www/b/1', 'ports/www/b/2']);
  expect(daemon.log.some(({ event }) => event === 'heartbeat')).toBe(true);
  await daemon.stop();
});
