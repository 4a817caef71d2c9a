import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings } from '../postgres/unsettled.ts';
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
afterAll(async () => {
  await client.query('DROP ROLE IF EXISTS uncached_stranger');
  await client.end();
});
beforeEach(async () => {
  site = makeSite();
  daemon = startUncached(site.configure(iniFor(site, database.config)));
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
});
afterEach(async () => {
  await daemon.stop();
  await forgetClearings(client);
  site.remove();
});

const articles = `${freshportsHandlers}[handler.articles]\nclear[] = articles/*\n`;

/** Resolves when the daemon listens again. */
async function listensAgain(): Promise<void> {
  const from = daemon.log.length;
  await daemon.until('LISTEN', (line) => line.event === 'listening' && daemon.log.indexOf(line) >= from);
}

async function clears(notify: string, page: string): Promise<void> {
  site.write([page]);
  await client.query(notify);
  // The daemon's log may not tell of this page: a reload may leave a claim to uncached.log, and a handler
  // without a queue also clears after each LISTEN.
  await eventually(
    `without ${page}`,
    async () => !existsSync(join(site.root, page)) || undefined,
    async () => JSON.stringify(daemon.log.slice(-10)),
  );
}

/** The number of daemons, counted by the names of their sessions. */
async function sessions(): Promise<number> {
  const { rows } = await client.query<{ daemons: number }>(
    `SELECT count(DISTINCT substr(application_name, 1, 25))::int AS daemons FROM pg_stat_activity
     WHERE datname = current_database() AND application_name LIKE 'uncached ________________%'`,
  );
  return rows[0]?.daemons ?? 0;
}

/** The server ends the sessions of a trial, and those of a daemon that has ended, a moment later. */
const onlyOneDaemon = () =>
  eventually(
    'only one daemon',
    async () => (await sessions()) === 1 || undefined,
    async () => `${await sessions()} daemons`,
  );

it('takes a new channel and a new handler without a restart', async () => {
  const { pid } = daemon;
  site.configure(iniFor(site, database.config, { handlers: articles }));
  let again = listensAgain();
  process.kill(pid, 'SIGHUP');
  await again;
  again = listensAgain();
  await client.query(`INSERT INTO listen_for (name, script_name) VALUES ('article_updated', 'articles')`);
  await again;
  // A change is reported twice if it is read once more before the daemon has stopped for it.
  const reloads = daemon.log.filter(({ event }) => event === 'reloading').map(({ msg }) => msg);
  expect([...new Set(reloads)]).toEqual(['SIGHUP: reloading', 'listen_for has changed: reloading']);
  await clears('NOTIFY article_updated', 'articles/1');
  again = listensAgain();
  await client.query(`DELETE FROM listen_for WHERE name = 'article_updated'`);
  await again;
  await clears(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
    'ports/www/a/1',
  );
});

it('refuses a configuration with problems, reports all of them, and continues with the old one', async () => {
  site.configure(iniFor(site, database.config, { more: 'setle = 1s\n[deamon]' }));
  process.kill(daemon.pid, 'SIGHUP');
  const line = await daemon.until('refusal', ({ event }) => event === 'reload-refused');
  expect(line.msg).toMatch(
    /the old one stays in effect: .*unknown section \[deamon\].*; .*setle is unknown, did you mean "settle"/,
  );
  await clears(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
    'ports/www/a/1',
  );
});

describe('a configuration that cannot work', () => {
  const elsewhere = (name: string, value: string) => ({ ...database.config, [name]: value });

  it.each([
    {
      what: 'another database',
      ini: () => iniFor(site, elsewhere('database', 'nosuch')),
      says: /nosuch.*does not exist/,
    },
    {
      what: 'a user without rights',
      ini: () => iniFor(site, elsewhere('user', 'uncached_stranger')),
      says: /lacks|permission denied/,
    },
    {
      what: 'a server that is not there',
      ini: () => iniFor(site, { ...database.config, host: '127.0.0.1', port: 1 }),
      says: /ECONNREFUSED/,
    },
    {
      what: 'a certificate that is missing',
      ini: () =>
        iniFor(site, elsewhere('host', '127.0.0.1'), {
          tls: 'sslmode = verify-ca\nsslrootcert = /nonexistent/ca.pem',
        }),
      says: /ca\.pem/,
    },
    {
      what: 'a server without TLS',
      ini: () => iniFor(site, elsewhere('host', '127.0.0.1'), { tls: 'sslmode = require' }),
      says: /SSL|ECONNREFUSED|pg_hba/,
    },
    {
      what: 'a queue table that is missing',
      ini: () =>
        iniFor(site, database.config, {
          handlers: '[handler.listen_port]\nqueue = nosuch\nclear[] = x/{a}\n',
        }),
      says: /queue table nosuch does not exist/,
    },
    {
      what: 'a root that is missing',
      ini: () => iniFor({ root: '/nonexistent/cache' }, database.config),
      says: /root \/nonexistent\/cache cannot be opened/,
    },
  ])('is refused, and the old one goes on undisturbed: $what', async ({ ini, says }) => {
    await client.query(
      'DO $$ BEGIN CREATE ROLE uncached_stranger LOGIN; EXCEPTION WHEN duplicate_object THEN END $$',
    );
    const from = daemon.log.length;
    site.configure(ini());
    process.kill(daemon.pid, 'SIGHUP');
    const line = await daemon.until('refusal', ({ event }) => event === 'reload-refused');
    expect(line.msg).toMatch(says);
    await clears(
      `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
      'ports/www/a/1',
    );
    const events = daemon.log.slice(from).map(({ event }) => event);
    expect(events).not.toContain('listening');
    expect(events).not.toContain('reloading');
    await onlyOneDaemon();
  });
});

it('lets a configuration that works take over from one that waits for its database', async () => {
  const waiting = startUncached(
    site.configure(iniFor(site, { ...database.config, host: '127.0.0.1', port: 1 })),
  );
  try {
    await waiting.until('retrying', ({ event }) => event === 'database-unavailable');
    site.configure(iniFor(site, database.config));
    process.kill(waiting.pid, 'SIGHUP');
    await waiting.until('LISTEN', ({ event }) => event === 'listening');
  } finally {
    expect(await waiting.stop()).toBe(0);
  }
});

it('reports every problem at once, those of the database and those of root', async () => {
  site.configure(
    iniFor({ root: '/nonexistent/cache' }, database.config, {
      handlers:
        '[handler.a]\nqueue = nosuch\nclear[] = x/{a}\n[handler.b]\nqueue = neither\nclear[] = x/{b}\n',
    }),
  );
  process.kill(daemon.pid, 'SIGHUP');
  const line = await daemon.until('refusal', ({ event }) => event === 'reload-refused');
  for (const what of ['nosuch', 'neither', '/nonexistent/cache']) expect(line.msg).toContain(what);
});

it('keeps its connections when listen_for changes', async () => {
  const pids = async () =>
    (
      await client.query(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'uncached ________________' ORDER BY pid`,
      )
    ).rows;
  await onlyOneDaemon();
  const before = await pids();
  let again = listensAgain();
  await client.query(`INSERT INTO listen_for (name, script_name) VALUES ('second_name', 'listen_port')`);
  await again;
  expect(await pids()).toEqual(expect.arrayContaining(before));
  again = listensAgain();
  await client.query(`DELETE FROM listen_for WHERE name = 'second_name'`);
  await again;
  await clears(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
    'ports/www/a/1',
  );
});

it('takes SIGHUP as often as it comes', async () => {
  const from = daemon.log.length;
  for (let nth = 0; nth < 20; nth++) process.kill(daemon.pid, 'SIGHUP');
  await listensAgain();
  await clears(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
    'ports/www/a/1',
  );
  // A notice would say that it stands by for itself.
  const bad = ['reload-refused', 'fatal-error', 'loop-failed', 'database-unavailable', 'notice'];
  expect(daemon.log.slice(from).filter(({ event }) => bad.includes(event))).toEqual([]);
});
