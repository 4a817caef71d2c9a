import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';
import { uncached } from '../uncached.ts';

/* A site and a database to explain, new for each test file that imports them: its hooks are here. */

export const database = testDatabase();
export let site: Site;
export let client: Client;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
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

export const explain = (path: string, { handlers = freshportsHandlers, user = database.config.user } = {}) =>
  uncached([
    '--config',
    site.configure(iniFor(site, { ...database.config, user }, { handlers, settle: '10s' })),
    'explain',
    path,
  ]);

export const nginx = 'ports/www/nginx/Detail.html';
