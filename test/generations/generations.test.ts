import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { logSql } from '../../src/postgres/sql-files.ts';
import { isLate } from '../cli/late.ts';
import { eventually } from '../faults/eventually.ts';
import { withClient } from '../postgres/connection.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { catalog } from '../sql/catalog.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { type FreshPorts, makeFreshPorts, siteCatalog } from './freshports.ts';
import { handlers } from './handlers.ts';
import {
  createTable,
  createTables,
  generations,
  oldest,
  type QueueTable,
  queueTables,
  roles,
} from './tables.ts';

let server: LaunchedServer;
let site: Site;
let database: FreshPorts;
let daemon: RunningDaemon | undefined;

beforeAll(async () => {
  server = await launchServer();
  await withClient(server, (client) => client.query(roles));
});
afterAll(() => server.stop());
beforeEach(() => {
  site = makeSite();
});
afterEach(async () => {
  await stop();
  site.remove();
});

async function stop(): Promise<void> {
  await daemon?.stop();
  daemon = undefined;
}

async function start(): Promise<RunningDaemon> {
  const more = '[daemon]\nsweep = 1s';
  const ini = iniFor(site, database.listening, { handlers, more }).replace(
    /^user = .*$/m,
    'user = listening',
  );
  daemon = startUncached(site.configure(ini));
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  return daemon;
}

const settled = () =>
  eventually(
    'settled but for what fails',
    async () => ((await database.waiting()) === 0 ? true : undefined),
    async () => JSON.stringify([await database.waiting(), await database.unsettled(), daemon?.log.slice(-5)]),
  );

const messageIds = [
  '<200711211234.lAL@repoman.freebsd.org>',
  "o'brien@example.org",
  '"quoted"@example.org',
  '100%s%40@example.org',
  'a&b;c@example.org',
  ' two  spaces ',
  'back\\slash\\',
  '*',
  '0123456789abcdef0123456789abcdef01234567',
];
const slug = (id: string) => id.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');

const stale = [
  'ports/www/nginx/Detail.html',
  'ports/www/nginx/files/patch.html',
  'categories/www/www.freshports.head.html',
  'daily/2007/11/21.daily.head',
  ...messageIds.flatMap((id) => [
    `commits/${id}/a.www.nginx.n.html`,
    `general/sanity_test_failures.${id}.PageSize100.html`,
  ]),
  ...messageIds.map((id) => `commits/${slug(id)}/x.html`),
  'general/sanity_test_failures.PageSize100.PageNum1.html',
  'ports/MOVED.PageSize100.PageNum1.html',
  'ports/.gitignore.PageSize100.PageNum1.html',
  'news/index.html',
];
const neighbours = [
  'ports/www/nginx-devel/Detail.html',
  'categories/mail/mail.html',
  'daily/2007/11/22.daily.head',
  'commits/another/x.html',
  'general/sanity_test_failures.another.PageSize100.html',
  'ports/MOVEDx.html',
  'ports/ports/head/MOVED.html',
  'spooling/page',
];

const enqueueAll = () =>
  withClient(database.as('commits'), async (client) => {
    await client.query('BEGIN');
    await client.query(
      `INSERT INTO cache_clearing_ports (port_id, category, port) VALUES (1, 'www', 'nginx')`,
    );
    await client.query(
      `INSERT INTO cache_clearing_dates (date_to_clear) VALUES (NULL), ('2007-11-21'), (NULL)`,
    );
    await client.query('INSERT INTO cache_clearing_commits SELECT unnest($1::text[])', [messageIds]);
    await client.query(
      `INSERT INTO cache_clearing_files (pathname) VALUES ('/ports/head/MOVED'), ('/ports/head/.gitignore')`,
    );
    await client.query(
      'NOTIFY port_updated; NOTIFY date_updated; NOTIFY commit_updated; NOTIFY file_updated',
    );
    await client.query('COMMIT');
  });

const everywhere = generations.flatMap(({ title, tables }) =>
  ['SQL_ASCII', 'UTF8'].map((encoding) => ({ title: `${title}, in ${encoding}`, encoding, tables })),
);

describe.each(everywhere)('$title', ({ encoding, tables }) => {
  beforeAll(async () => {
    database = await makeFreshPorts(server, { encoding, tables: createTables(tables) });
  });
  afterAll(() => database.drop());

  it('stays as it was through uncached schema --journal-only, all that a site runs which has its tables, which may run again', async () => {
    const { owner, before } = database;
    expect(await siteCatalog(owner)).toEqual(before);
    const installed = await catalog(owner);
    await owner.query(logSql());
    expect(await catalog(owner)).toEqual(installed);
  });

  it('is cleared by the daemon, as role listening', async () => {
    site.write([...new Set([...stale, ...neighbours])]);
    const running = await start();
    await enqueueAll();
    await settled();
    expect(site.pages()).toEqual([...neighbours].sort());
    // A NULL date names no page. It is reported in words, kept, and not retried.
    expect(await database.unsettled()).toEqual([
      {
        key: { date_to_clear: null },
        last_error: 'column date_to_clear is NULL: no page can have this key',
        attempts: 0,
      },
    ]);
    await running.until('a warning', ({ event }) => event === 'rows-invalid');
    const errors = running.log.filter((line) => line.level >= 50 && !isLate(line));
    expect(errors.filter(({ event }) => event !== 'unknown-handler')).toEqual([]);
    expect(running.log.filter(({ event }) => event === 'rows-invalid')).toHaveLength(1);
  });
});

describe('the daemon, as role listening', () => {
  afterEach(async () => {
    await stop();
    await database.drop();
  });

  it('reports a row of listen_for that names an unconfigured handler, and continues', async () => {
    database = await makeFreshPorts(server, { encoding: 'UTF8', tables: createTables(oldest) });
    const running = await start();
    const { msg } = await running.until('an error', ({ event }) => event === 'unknown-handler');
    expect(msg).toContain('"ClearPackagesCache", which is not configured');
  });

  it.each(queueTables)(
    'serves the others while %s is absent, and that one once it is there',
    async (absent) => {
      database = await makeFreshPorts(server, {
        encoding: 'SQL_ASCII',
        tables: createTables(oldest, absent),
      });
      const running = await start();
      const told = ({ event, msg }: { event: string; msg: string }) =>
        event === 'loop-failed' && msg.includes(`queue table ${absent} does not exist`);
      await running.until('an error', told);
      await withClient(database.as('www'), async (www) => {
        for (let round = 1; round <= 3; round++) {
          for (const table of queueTables) if (table !== absent) await enqueue(www, table);
          await settled();
          expect(site.pages()).toEqual([]);
        }
        expect(running.log.filter(told)).toHaveLength(1);

        await database.owner.query(createTable(oldest, absent));
        await enqueue(www, absent);
        await settled();
        expect(site.pages()).toEqual([]);
      });
    },
  );
});

const entry: Readonly<Record<QueueTable, readonly [string, string, string]>> = {
  cache_clearing_ports: [
    "(port_id, category, port) VALUES (2, 'mail', 'mutt')",
    'port_updated',
    'ports/mail/mutt/1',
  ],
  cache_clearing_dates: ["(date_to_clear) VALUES ('2020-01-03')", 'date_updated', 'daily/2020/01/03.1'],
  cache_clearing_commits: ["VALUES ('abc')", 'commit_updated', 'commits/abc/1'],
  cache_clearing_files: ["(pathname) VALUES ('/ports/head/UPDATING')", 'file_updated', 'ports/UPDATING.1'],
};

async function enqueue(www: Client, table: QueueTable): Promise<void> {
  const [values, channel, page] = entry[table];
  site.write([page]);
  await www.query(`INSERT INTO ${table} ${values}; NOTIFY ${channel}`);
}
