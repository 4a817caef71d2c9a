import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';

/* A site, a database and a daemon to start, new for each test file that imports them: its hooks are here. */

const database = testDatabase();
export let site: Site;
export let client: Client;
let daemon: RunningDaemon | undefined;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());

beforeEach(() => {
  site = makeSite();
});
afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
  await client.query(
    'TRUNCATE uncached.journal, cache_clearing_ports, cache_clearing_dates, cache_clearing_commits',
  );
  site.remove();
});

export async function start(options: Parameters<typeof iniFor>[2] = {}): Promise<RunningDaemon> {
  const started = startUncached(site.configure(iniFor(site, database.config, options)));
  daemon = started;
  await started.until('LISTEN', isEvent('listening'));
  return started;
}

export const isEvent =
  (event: string, fields: Partial<LogLine> = {}) =>
  (line: LogLine) =>
    line.event === event && Object.entries(fields).every(([name, value]) => line[name] === value);

export const enqueuePort = (category: string | null, port: string | null) =>
  client.query('INSERT INTO cache_clearing_ports (category, port) VALUES ($1, $2)', [category, port]);
