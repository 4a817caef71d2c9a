import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { filled } from '../postgres/filled.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings } from '../postgres/unsettled.ts';
import { makeSite, type Site } from '../site.ts';

/*
 * A database for each test file that imports this, and a site for each test. Importing this registers their
 * hooks. The hooks of the importing file run first at the end.
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
  await forgetClearings(client);
  await client.query(
    'TRUNCATE cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files',
  );
  site.remove();
});
