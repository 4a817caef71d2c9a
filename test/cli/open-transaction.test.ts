import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { ownMs } from '../faults/own-time.ts';
import { iniFor } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { client, database, site } from './site-and-database.ts';

const events = 100_000;

/** Sends so many events, each with a key and a transaction of its own. */
async function send(from: number, upTo: number): Promise<void> {
  await client.query(`
    DO $$ BEGIN
      FOR event IN ${from}..${upTo} LOOP
        INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'port-' || event);
        NOTIFY port_updated;
        COMMIT;
      END LOOP;
    END $$`);
}

/** How far the daemon's cache is, in ids of the log. */
async function cursors(): Promise<{ newest: number; cleared: number; settled: number }> {
  const { rows } = await client.query<{ newest: number; cleared: number; settled: number }>(
    `SELECT (SELECT count(*)::int FROM cache_clearing_ports) + max(log.id)::int AS newest,
            min(cleared_to)::int AS cleared, min(settled_to)::int AS settled
     FROM uncached.log AS log, uncached.consumer`,
  );
  return rows[0] ?? { newest: 0, cleared: -1, settled: -1 };
}

const until = (which: 'cleared' | 'settled') =>
  eventually(
    `all that is ${which}`,
    async () => {
      const found = await cursors();
      return found[which] >= found.newest || undefined;
    },
    async () => JSON.stringify(await cursors()),
    300_000,
    250,
  );

function processorMs({ pid }: RunningDaemon): number {
  const [, after = ''] = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ');
  const fields = after.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Of several single events one after the other, how long one took until its page was gone. */
async function latencyMs(): Promise<number> {
  const count = 20;
  const pages = Array.from({ length: count }, (_, at) => `ports/www/single-${at}/Detail.html`);
  site.write(pages);
  const ms = await ownMs([site.root, database.config.database], async () => {
    for (const [at, page] of pages.entries()) {
      await client.query(
        `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'single-${at}'); NOTIFY port_updated`,
      );
      await eventually(
        'gone',
        async () => !existsSync(join(site.root, page)) || undefined,
        async () => page,
        100_000,
        1,
      );
    }
  });
  return ms / count;
}

/** In MiB. The keys of all events would not fit: the daemon would crash. */
const littleMemory = { NODE_OPTIONS: '--max-old-space-size=24' };

const isLinux = process.platform === 'linux';

it.runIf(isLinux)(
  'a read-only transaction that stays open costs no memory, no time and no latency, whatever is cleared meanwhile',
  { timeout: 900_000 },
  async () => {
    const daemon = startUncached(site.configure(iniFor(site, database.config)), littleMemory);
    const reader = await connect(database.config);
    try {
      await daemon.until('LISTEN', ({ event }) => event === 'listening');
      await reader.query('BEGIN READ ONLY; SELECT 1');
      await send(1, events / 10);
      await until('cleared');
      const latency = await latencyMs();

      await send(events / 10 + 1, events);
      await until('cleared');
      expect(await latencyMs()).toBeLessThan(3 * latency + 20);
      const before = processorMs(daemon);
      await reader.query('SELECT pg_sleep(5)');
      expect(processorMs(daemon) - before).toBeLessThan(1_000);
      const { settled } = await cursors();
      expect(settled).toBe(0);

      await reader.query('COMMIT');
      await until('settled');
    } finally {
      await reader.end();
      await daemon.stop();
    }
  },
);
