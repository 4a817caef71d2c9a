import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { uncached } from '../uncached.ts';

/* A site and a database for the commands, new for each test file that imports them: its hooks are here. */

export const database = testDatabase();
export let site: Site;
export let client: Client;

const directories = ['ports/x/y', 'categories/x', 'daily/x', 'commits/x', 'news/x'];

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());
beforeEach(() => {
  site = makeSite();
  site.write(directories);
});
afterEach(async () => {
  await client.query('TRUNCATE uncached.journal, cache_clearing_ports, cache_clearing_dates');
  site.remove();
});

export const ini = (options: Parameters<typeof iniFor>[2] = {}) => iniFor(site, database.config, options);
export const on = (text: string, ...args: string[]) => uncached(['--config', site.configure(text), ...args]);
