import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';
import { isLate } from './late.ts';
import { marked } from './marked.ts';
import { client, database, site } from './site-and-database.ts';

let other: Site;
let running: RunningDaemon[];

beforeEach(() => {
  other = makeSite();
  running = [];
});
afterEach(async () => {
  await Promise.all(running.map((daemon) => daemon.stop('SIGKILL')));
  other.remove();
});

const more = '[daemon]\nheartbeat = 1s\nsweep = 1s';

/** Starts a daemon, until the database knows its root. */
async function start(where: Site, options: { handlers?: string } = {}): Promise<RunningDaemon> {
  const daemon = startUncached(where.configure(iniFor(where, database.config, { more, ...options })));
  running.push(daemon);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  await marked(where.root, client, daemon);
  return daemon;
}

const wipes = ({ log }: RunningDaemon) =>
  log.filter(({ event }) => event === 'cache-wiped').map(({ reason }) => reason);

async function enqueue(...ports: string[]): Promise<void> {
  const values = ports.map((port) => `('www', '${port}')`).join();
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ${values}; NOTIFY port_updated`,
  );
}

const page = (port: string) => `ports/www/${port}/Detail.html`;
const withoutPages = (where: Site, ...ports: string[]) =>
  eventually(
    `without ${ports}`,
    async () => !where.pages().some((path) => ports.map(page).includes(path)) || undefined,
    async () => JSON.stringify(running.map(({ log }) => log.slice(-10))),
  );

const allSettled = () =>
  eventually(
    'all settled',
    async () => (await client.query(`SELECT FROM ${unsettled}`)).rowCount === 0 || undefined,
    async () => JSON.stringify(running.map(({ log }) => log.slice(-10))),
  );

/** Both follow the log: the second is new to the database, and wiped. */
async function startBoth(): Promise<[RunningDaemon, RunningDaemon]> {
  const one = await start(site);
  const two = await start(other);
  await two.until('wipe', ({ event }) => event === 'cache-wiped');
  expect([wipes(one), wipes(two)]).toEqual([[], ['new']]);
  await eventually(
    'live',
    async () =>
      (await client.query(`SELECT FROM uncached.consumer WHERE state = 'live'`)).rowCount === 2 || undefined,
    async () => JSON.stringify(two.log.slice(-10)),
  );
  return [one, two];
}

describe('two roots on one database', () => {
  it('are each cleared of everything, whoever claims it', async () => {
    const [one, two] = await startBoth();
    const ports = Array.from({ length: 300 }, (_, nth) => `p${nth}`);
    for (const where of [site, other]) where.write([...ports.map(page), 'searchlog.txt']);
    for (let from = 0; from < ports.length; from += 30) await enqueue(...ports.slice(from, from + 30));
    for (const where of [site, other]) {
      await withoutPages(where, ...ports);
      expect(where.pages()).toEqual(['searchlog.txt']);
    }
    const cleared = ({ log }: RunningDaemon) =>
      log.reduce(
        (sum, line: LogLine) => sum + (line.handler === 'listen_port' ? Number(line.keys ?? 0) : 0),
        0,
      );
    for (const daemon of [one, two]) await daemon.until('all of them', () => cleared(daemon) >= ports.length);
    expect([cleared(one), cleared(two)]).toEqual([ports.length, ports.length]);
  });

  it('one of them whose daemon is away delays nobody, and gets what it missed when that is back, no more', async () => {
    const [one, two] = await startBoth();
    for (const where of [site, other]) where.write([page('a'), page('b')]);
    await two.stop('SIGKILL');
    await enqueue('a');
    await withoutPages(site, 'a');
    await one.until('settling', ({ event }) => event === 'settled');
    expect(other.pages()).toEqual([page('a'), page('b')]);
    const again = await start(other);
    await withoutPages(other, 'a');
    expect(other.pages()).toEqual([page('b')]);
    await allSettled();
    expect(wipes(again)).toEqual([]);
  });

  it('one of them that has expired holds up nobody any more, and is wiped when it is back', async () => {
    const [, two] = await startBoth();
    for (const where of [site, other]) where.write([page('a'), page('b')]);
    expect(await two.stop()).toBe(0);
    // test/daemon tests after which absence a daemon does this.
    await client.query(`UPDATE uncached.consumer SET state = 'expired' WHERE place = $1`, [other.root]);
    await enqueue('a');
    await withoutPages(site, 'a');
    await allSettled();
    const again = await start(other);
    await again.until('wipe', ({ event }) => event === 'cache-wiped');
    expect(wipes(again)).toEqual(['expired']);
    expect(other.pages()).toEqual([]);
    expect(site.pages()).toEqual([page('b')]);
  });

  it('whose daemons have different handlers do not disturb each other', async () => {
    await client.query(
      `CREATE TABLE images (id bigint GENERATED ALWAYS AS IDENTITY, name text);
       GRANT SELECT, DELETE, UPDATE (id) ON images TO uncached`,
    );
    const one = await start(site);
    other.write(['i/a.png', page('a')]);
    const handlers = '[handler.images]\nqueue = images\nclear[] = i/{name}.png\n';
    await client.query(`INSERT INTO images (name) VALUES ('a')`);
    const two = await start(other, { handlers });
    await enqueue('a');
    await eventually(
      'settled',
      async () => (await client.query('SELECT FROM uncached.log')).rowCount === 2 || undefined,
      async () => JSON.stringify([one, two].map(({ log }) => log.slice(-10))),
    );
    await allSettled();
    expect(other.pages()).toEqual([page('a')]);
    const bad = (line: LogLine) => line.level >= 50 && line.event !== 'unknown-handler' && !isLate(line);
    for (const { log } of [one, two]) expect(log.filter(bad)).toEqual([]);
  });
});
