import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';

const database = testDatabase();
let site: Site;
let client: Client;
let daemon: RunningDaemon;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(() => client.end());
beforeEach(async () => {
  site = makeSite();
  daemon = startUncached(site.configure(iniFor(site, database.config)));
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
});
afterEach(async () => {
  await daemon.stop();
  site.remove();
});

const articles = `${freshportsHandlers}[handler.articles]\nclear[] = articles/*\n`;

/** The next time that it listens. */
async function listensAgain(): Promise<void> {
  const from = daemon.log.length;
  await daemon.until('LISTEN', (line) => line.event === 'listening' && daemon.log.indexOf(line) >= from);
}

async function clears(notify: string, page: string): Promise<void> {
  site.write([page]);
  const from = daemon.log.length;
  await client.query(notify);
  await daemon.until('clearing', (line) => line.event === 'cleared' && daemon.log.indexOf(line) >= from);
  expect(site.pages()).not.toContain(page);
}

it('takes a new channel and a new handler without a restart', async () => {
  const { pid } = daemon;
  site.configure(iniFor(site, database.config, { handlers: articles }));
  let again = listensAgain();
  process.kill(pid, 'SIGHUP');
  await again;
  again = listensAgain();
  await client.query(`INSERT INTO listen_for (name, script_name) VALUES ('article_updated', 'articles')`);
  await again;
  expect(daemon.log.filter(({ event }) => event === 'reloading').map(({ msg }) => msg)).toEqual([
    'SIGHUP: starting over with it',
    'listen_for has changed: starting over with it',
  ]);
  await clears('NOTIFY article_updated', 'articles/1');
  again = listensAgain();
  await client.query(`DELETE FROM listen_for WHERE name = 'article_updated'`);
  await again;
  await clears(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
    'ports/www/a/1',
  );
});

it('refuses a configuration with problems, tells all of them, and goes on with the old one', async () => {
  site.configure(iniFor(site, database.config, { more: 'setle = 1s\n[deamon]' }));
  process.kill(daemon.pid, 'SIGHUP');
  const line = await daemon.until('refusal', ({ event }) => event === 'reload-refused');
  expect(line.msg).toMatch(
    /the old one stays: .*unknown section \[deamon\].*; .*setle is unknown, did you mean "settle"/,
  );
  await clears(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
    'ports/www/a/1',
  );
});
