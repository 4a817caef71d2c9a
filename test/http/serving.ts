import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { FaultProxy } from '../faults/proxy.ts';
import { freePort } from '../postgres/free-port.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';

/*
 * A daemon that serves its status, a new one for each test file that imports this. Importing registers its
 * hooks.
 */

const database = testDatabase();
export let site: Site;
export let client: Client;
let holder: Client | undefined;
export let proxy: FaultProxy;
export let daemon: RunningDaemon;
export let port: number;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());
beforeEach(async () => {
  site = makeSite();
  proxy = await FaultProxy.open(database.config);
  port = await freePort();
});
afterEach(async () => {
  await daemon.stop();
  await proxy.close();
  await holder?.end();
  holder = undefined;
  await client.query('TRUNCATE cache_clearing_ports');
  await forgetClearings(client);
  site.remove();
});

export const listenOn = (at: number) => `[http]\nlisten = ${at}`;

export function configure(more = listenOn(port), settle = '1h'): string {
  return site.configure(iniFor(site, proxy.connection, { settle, more }));
}

export const start = (more?: string) => startFrom(startUncached(configure(more)));

export async function startFrom(started: RunningDaemon): Promise<void> {
  daemon = started;
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
}

/** Holds the locks of the statement until the test is over. */
export async function hold(sql: string): Promise<void> {
  holder = new Client(database.config);
  await holder.connect();
  await holder.query(`BEGIN; ${sql}`);
}

/** Resolves when the batch of these ports is over, cleared or not. */
export async function clear(...ports: string[]): Promise<void> {
  site.write(ports.map((name) => `ports/www/${name}/1`));
  await client.query('BEGIN');
  for (const name of ports) {
    await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1)`, [name]);
  }
  const from = daemon.log.length;
  await client.query('NOTIFY port_updated; COMMIT');
  await daemon.until('clearing', (line) => isBatch(line) && daemon.log.indexOf(line) >= from);
}

/** What follows the handler may be cleared by itself, for a notification that came late. */
const isBatch = ({ event, handler }: LogLine) =>
  (event === 'cleared' || event === 'clear-failed') && handler === 'listen_port';
