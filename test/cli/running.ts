import { afterEach } from 'vitest';
import { iniFor } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';
import { client, database, site } from './site-and-database.ts';

/* A site, a database and a daemon to start. Importing this registers its hook. */

export { client, site } from './site-and-database.ts';

let daemon: RunningDaemon | undefined;

afterEach(async () => {
  await daemon?.stop();
  daemon = undefined;
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
