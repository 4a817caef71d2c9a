import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings, unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';
import { marked } from './marked.ts';

const database = testDatabase();
let site: Site;
let client: Client;
let daemons: RunningDaemon[];

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());
beforeEach(() => {
  site = makeSite();
  daemons = [];
});
afterEach(async () => {
  await Promise.all(daemons.map((daemon) => daemon.stop('SIGKILL')));
  await forgetClearings(client);
  await client.query('TRUNCATE cache_clearing_ports');
  site.remove();
});

const isListening = ({ event }: LogLine) => event === 'listening';
const isStandby = ({ event, msg }: LogLine) =>
  event === 'notice' && msg === 'Another daemon clears this root: this one stands by until that one is gone';

/** A daemon that does not report for three heartbeats of the other counts as hanging. */
async function start(settle: string, { heartbeat = '1s', sweep = '1s' } = {}): Promise<RunningDaemon> {
  const more = `[daemon]\nheartbeat = ${heartbeat}\nsweep = ${sweep}\nbatch = 10`;
  const daemon = startUncached(site.configure(iniFor(site, database.config, { settle, more })));
  daemons.push(daemon);
  await daemon.until('LISTEN', isListening);
  return daemon;
}

/** A daemon that clears, and one that stands by. */
async function startBoth(
  ...[first, second]: [Parameters<typeof start>, Parameters<typeof start>]
): Promise<[RunningDaemon, RunningDaemon]> {
  const one = await start(...first);
  await marked(site.root, client, one);
  const other = await start(...second);
  await other.until('standby', isStandby);
  return [one, other];
}

const isClearing = ({ event, handler }: LogLine) => event === 'cleared' && handler === 'listen_port';
const sum = (log: readonly LogLine[], field: string) =>
  log.filter(isClearing).reduce((total, line) => total + Number(line[field]), 0);

async function enqueue(count: number): Promise<void> {
  site.write(Array.from({ length: count }, (_, n) => `ports/www/p${n}/1`));
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) SELECT 'www', 'p' || n FROM generate_series(0, ${count - 1}) n`,
  );
  await client.query('NOTIFY port_updated');
}

const unsettledRows = async () => (await client.query(`SELECT FROM ${unsettled}`)).rowCount;
const allSettled = (daemon: RunningDaemon) =>
  eventually(
    'settled',
    async () => (await unsettledRows()) === 0 || undefined,
    async () => JSON.stringify(daemon.log.slice(-10)),
  );

describe('of two daemons on one root', () => {
  it('one clears and the other stands by: nothing is lost, nothing is cleared twice', async () => {
    // Neither may take the other for dead, however long the machine is busy with something else.
    const slow = { heartbeat: '60s', sweep: '60s' };
    const [one, other] = await startBoth(['0s', slow], ['0s', slow]);
    await enqueue(500);
    let settled = 0;
    await one.until('all to settle', (line) => {
      if (line.event === 'settled') settled += Number(line.rows);
      return settled >= 500;
    });
    await allSettled(one);
    expect(settled).toBe(500);
    expect([sum(one.log, 'entries'), sum(other.log, 'entries')]).toEqual([500, 0]);
    expect([sum(one.log, 'files'), sum(other.log, 'files')]).toEqual([500, 0]);
    expect(site.pages()).toEqual([]);
    // A server that is too busy to answer counts as unavailable.
    const failed = ({ event, level }: LogLine) =>
      level >= 50 && !['listener-lost', 'database-unavailable'].includes(event);
    expect([...one.log, ...other.log].filter(failed)).toEqual([]);
    expect(one.log.filter(isStandby)).toEqual([]);
  });

  it('what the one that stands by has claimed is cleared by the other', async () => {
    const slow = { heartbeat: '60s', sweep: '60s' };
    const [one, other] = await startBoth(['0s', slow], ['0s', slow]);
    process.kill(one.pid, 'SIGSTOP');
    await enqueue(5);
    await eventually(
      'claimed',
      async () => (await client.query('SELECT FROM cache_clearing_ports')).rowCount === 0 || undefined,
      async () => JSON.stringify(other.log.slice(-10)),
    );
    expect(site.pages()).toHaveLength(5);
    process.kill(one.pid, 'SIGCONT');
    await allSettled(one);
    expect(site.pages()).toEqual([]);
    expect(sum(one.log, 'entries')).toBe(5);
    expect(other.log.filter(({ event }) => event === 'cleared')).toEqual([]);
  });

  it('the one that stands by leaves the other alone while that lives', async () => {
    // One that reports every second may stand still for some seconds and still keeps its root.
    const [one, other] = await startBoth(['1h'], ['0s', { heartbeat: '4s' }]);
    await enqueue(5);
    await one.until('clearing', isClearing);
    // The time itself matters here: it must exceed the lease and include sweeps and attempts to take over.
    await client.query('SELECT pg_sleep(13)');
    expect(other.log.filter(({ event }) => ['log-recovery', 'cleared', 'settled'].includes(event))).toEqual(
      [],
    );
    expect(await unsettledRows()).toBe(5);
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'the one that stands by takes over after %s, with all that is not settled, and wipes nothing',
    async (signal) => {
      const [one, other] = await startBoth(['1h'], ['0s']);
      await enqueue(50);
      await eventually(
        'claimed',
        async () => (await client.query('SELECT FROM cache_clearing_ports')).rowCount === 0 || undefined,
        async () => JSON.stringify(one.log.slice(-10)),
      );
      process.kill(one.pid, signal);
      await allSettled(other);
      expect(site.pages()).toEqual([]);
      if (signal === 'SIGSTOP') {
        process.kill(one.pid, 'SIGCONT');
        await one.until('standby', isStandby);
        site.write(['ports/www/later/1']);
        await client.query(
          `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'later'); NOTIFY port_updated`,
        );
        await eventually(
          'cleared by the other',
          async () => site.pages().length === 0 || undefined,
          async () => JSON.stringify(other.log.slice(-10)),
        );
        await allSettled(other);
        expect(await one.stop('SIGTERM')).toBe(0);
        expect(await unsettledRows()).toBe(0);
      }
      expect([...one.log, ...other.log].filter(({ event }) => event === 'cache-wiped')).toEqual([]);
    },
  );

  it('the one that stands by takes over soon when the other ends in order', async () => {
    const [one, other] = await startBoth(['0s'], ['0s', { heartbeat: '60s', sweep: '60s' }]);
    expect(await one.stop('SIGTERM')).toBe(0);
    await enqueue(5);
    await other.until('clearing', isClearing);
    await allSettled(other);
    expect(site.pages()).toEqual([]);
  });
});
