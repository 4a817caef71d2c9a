import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';

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
  await client.query('TRUNCATE uncached.journal, cache_clearing_ports');
  site.remove();
});

/** The lease of another daemon's rows is three heartbeats. */
async function start(settle: string, { heartbeat = '1s', sweep = '1s' } = {}): Promise<RunningDaemon> {
  const more = `[daemon]\nheartbeat = ${heartbeat}\nsweep = ${sweep}\nbatch = 10`;
  const daemon = startUncached(site.configure(iniFor(site, database.config, { settle, more })));
  daemons.push(daemon);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  return daemon;
}

const sum = (log: readonly LogLine[], field: string) =>
  log.filter(({ event }) => event === 'cleared').reduce((total, line) => total + Number(line[field]), 0);

async function enqueue(count: number): Promise<void> {
  site.write(Array.from({ length: count }, (_, n) => `ports/www/p${n}/1`));
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) SELECT 'www', 'p' || n FROM generate_series(0, ${count - 1}) n`,
  );
  await client.query('NOTIFY port_updated');
}

const journalRows = async () => (await client.query('SELECT FROM uncached.journal')).rowCount;

describe('two daemons on one database', () => {
  it('share the work: nothing is lost, nothing is claimed twice', async () => {
    // None may take over what the other has claimed, however long the machine is busy with something else.
    const slow = { heartbeat: '60s', sweep: '60s' };
    const [one, other] = [await start('0s', slow), await start('0s', slow)];
    await enqueue(500);
    const settled = { rows: 0 };
    const count = (line: LogLine) => {
      if (line.event === 'settled') settled.rows += Number(line.rows);
      return settled.rows >= 500;
    };
    await Promise.any([one.until('all to settle', count), other.until('all to settle', count)]);
    expect(sum(one.log, 'entries') + sum(other.log, 'entries')).toBe(500);
    expect(sum(one.log, 'files') + sum(other.log, 'files')).toBe(500);
    expect(site.pages()).toEqual([]);
    expect(await journalRows()).toBe(0);
    // A server that is too busy to answer counts as unavailable.
    const failed = ({ event, level }: LogLine) =>
      level >= 50 && !['listener-lost', 'database-unavailable'].includes(event);
    expect([...one.log, ...other.log].filter(failed)).toEqual([]);
  });

  it('leave each other alone while both live', async () => {
    const one = await start('1h');
    await enqueue(5);
    await one.until('clearing', ({ event }) => event === 'cleared');
    // One that reports every second may stand still for some seconds and still keeps its rows.
    const other = await start('0s', { heartbeat: '4s' });
    // The time itself matters here: it must exceed the lease and include sweeps and reads of the journal.
    await client.query('SELECT pg_sleep(13)');
    expect(other.log.filter(({ event }) => event === 'journal-recovery')).toEqual([]);
    expect(await journalRows()).toBe(5);
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'one takes over what the other leaves behind after %s',
    async (signal) => {
      const one = await start('1h');
      const other = await start('0s');
      await enqueue(50);
      await eventually(
        'claimed',
        async () => (await client.query('SELECT FROM cache_clearing_ports')).rowCount === 0 || undefined,
        async () => JSON.stringify(one.log.slice(-10)),
      );
      process.kill(one.pid, signal);
      await eventually(
        'settled',
        async () => (await journalRows()) === 0 || undefined,
        async () => JSON.stringify(other.log.slice(-10)),
      );
      expect(site.pages()).toEqual([]);
      if (signal === 'SIGSTOP') {
        process.kill(one.pid, 'SIGCONT');
        expect(await one.stop('SIGTERM')).toBe(0);
        expect(await journalRows()).toBe(0);
      }
    },
  );
});
