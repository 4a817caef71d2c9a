import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { filled } from '../postgres/filled.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { makeSite, type Site } from '../site.ts';

/*
 * A database for each test file that imports them, a site for each test: their hooks are here, and what an
 * importer adds ends before them.
 */

export const database = testDatabase();
export let site: Site;
export let client: Client;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
  await client.query(filled);
});
afterAll(() => client.end());
beforeEach(() => {
  site = makeSite();
});
afterEach(async () => {
  await client.query(
    'TRUNCATE uncached.journal, cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files',
  );
  site.remove();
});
