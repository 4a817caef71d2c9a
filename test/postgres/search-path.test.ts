import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { readChannels } from '../../src/postgres/channels.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { install } from '../sql/sql-file.ts';
import { startUncached, uncached } from '../uncached.ts';
import { fitBetter, imitateEverything } from './hostile.ts';
import { type LaunchedServer, launchServer } from './launch.ts';
import { forgetClearings, unsettled } from './unsettled.ts';
import { versions } from './versions.ts';

const newest = { title: 'PostgreSQL of this run', binaries: undefined, missing: false };
const older = versions().map(({ title, binaries }) => ({ title, binaries, missing: binaries === undefined }));

/**
 * The daemon's role on a database where an ordinary role has created functions, operators and types in schema
 * public.
 */
describe.each([...older, newest])('the search_path on $title', ({ binaries, missing }) => {
  let server: LaunchedServer | undefined;
  let client: Client;
  let site: Site;

  beforeAll(async () => {
    if (missing) return;
    server = await launchServer(binaries === undefined ? {} : { binaries });
    client = await connect(server);
    await install(client);
    await client.query(`
      CREATE ROLE listening LOGIN;
      GRANT uncached TO listening;
      CREATE ROLE mallory LOGIN;
      GRANT CREATE ON SCHEMA public TO mallory;
      SET ROLE mallory`);
    await fitBetter(client);
    await imitateEverything(client);
    await client.query('RESET ROLE');
  });
  afterAll(async () => {
    if (server === undefined) return;
    await client.end();
    await server.stop();
  });
  beforeEach(async () => {
    // Another root would be waited for.
    if (server !== undefined) await forgetClearings(client);
    site = makeSite();
    site.write(['ports/www/nginx/index.html', 'ports/www/other/index.html', 'categories/www/index.html']);
    site.write(['daily/2020/01/01.html', 'commits/abc/index.html', 'news/index.html']);
  });
  afterEach(() => site.remove());

  const daemon = () => ({ ...(server as LaunchedServer), user: 'listening' });
  const enqueue = () =>
    client.query(`
      INSERT INTO public.cache_clearing_ports (category, port) VALUES ('www', 'nginx');
      NOTIFY port_updated`);

  test.skipIf(missing).each([
    ['which everybody has', '"$user", public'],
    ['in which public comes before pg_catalog', 'public, pg_catalog'],
  ])('lets others in, if it is one %s and left as it is', async (_, path) => {
    await client.query(`ALTER ROLE listening SET search_path = ${path}`);
    const careless = await connect(daemon());
    try {
      await expect(
        careless.query(`SELECT jsonb_build_object('category', 'www'::pg_catalog.text)`),
      ).rejects.toThrow('hijacked');
    } finally {
      await careless.end();
    }
  });

  test.skipIf(missing)('leads no command of ours to them', async () => {
    const file = site.configure(iniFor(site, daemon()));
    const checked = await uncached(['--config', file, 'check']);
    expect(checked.stdout).toMatch(/^no problems, 2 notices/m);
    expect(checked.stdout).toContain(
      'notice: schema public: ' +
        (server?.version.startsWith('14') ? 'PUBLIC, mallory' : 'mallory') +
        ' may create functions and tables there',
    );

    await enqueue();
    expect(await uncached(['--config', file, 'explain', 'ports/www/nginx/index.html'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('port_updated'),
    });
    expect(await uncached(['--config', file, 'drain'])).toMatchObject({ code: 0, stderr: '' });
    expect(site.pages()).toContain('ports/www/other/index.html');
    expect(site.pages()).not.toContain('ports/www/nginx/index.html');
    expect(await uncached(['--config', file, 'status'])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^UNCACHED WARNING - no daemon is connected.*: start it \| backlog=0/),
    });
    expect(await uncached(['--config', file, 'failing', 'list'])).toMatchObject({ code: 0, stderr: '' });
    expect(await uncached(['--config', file, 'failing', 'retry'])).toMatchObject({ code: 0, stderr: '' });
    expect(await uncached(['--config', file, 'failing', 'drop', '--all'])).toMatchObject({
      code: 0,
      stderr: '',
    });
  });

  test.skipIf(missing)('leads the daemon not to them', { timeout: 400_000 }, async () => {
    // Our own look must not be led to them either.
    const looking = await connect(server as LaunchedServer);
    await looking.query('SET search_path = pg_catalog');
    const running = startUncached(site.configure(iniFor(site, daemon())));
    try {
      await running.until('listening', ({ event }) => event === 'listening', 100_000);
      await enqueue();
      await running.until(
        'cleared',
        ({ event, handler }) => event === 'cleared' && handler === 'listen_port',
        100_000,
      );
      await expect
        .poll(async () => (await looking.query(`SELECT FROM ${unsettled}`)).rowCount, { timeout: 100_000 })
        .toBe(0);
    } finally {
      await looking.end();
      expect(await running.stop()).toBe(0);
    }
    expect(running.log.filter(({ level }) => level > 30)).toEqual([]);
    expect(site.pages()).not.toContain('ports/www/nginx/index.html');
  });

  test.skipIf(missing)('finds the tables that are there, and no temporary one', async () => {
    await client.query('ALTER ROLE listening RESET search_path');
    const pool = openPool(openHosts([daemon()]));
    try {
      // In sequence, because all of it uses one connection.
      await pool.query(`
        CREATE TEMP TABLE listen_for AS SELECT 1 AS id, 'hijacked'::text AS name, 'listen_port'::text AS script_name;
        CREATE TEMP TABLE cache_clearing_ports AS SELECT 1 AS id, 'hijacked'::text AS category, ''::text AS port;
        CREATE TEMP TABLE pg_class AS SELECT 'hijacked'::text AS relname`);
      await enqueue();
      expect(await readChannels(pool)).toHaveLength(4);
      const queue = openQueue(pool, {
        handler: 'h',
        queue: 'cache_clearing_ports',
        columns: ['category', 'port'],
        user: 'listening',
        owner: 'test',
      });
      expect(await queue.claim(10, null)).toMatchObject({
        rows: [{ key: { category: 'www', port: 'nginx' } }],
      });
    } finally {
      await pool.end();
      await forgetClearings(client);
    }
  });

  test.skipIf(missing)('stays with the table that was found first', async () => {
    await client.query(
      'CREATE SCHEMA listening AUTHORIZATION mallory; GRANT USAGE ON SCHEMA listening TO PUBLIC',
    );
    const pool = openPool(openHosts([daemon()]));
    try {
      expect(await readChannels(pool)).toHaveLength(4);
      await client.query(`
        CREATE TABLE listening.listen_for (id int, name text, script_name text);
        GRANT SELECT ON listening.listen_for TO PUBLIC`);
      expect(await readChannels(pool)).toHaveLength(4);
    } finally {
      await pool.end();
      await client.query('DROP SCHEMA listening CASCADE');
    }
  });

  test.skipIf(missing)('is empty: check and the log say what to do', async () => {
    await client.query(`ALTER ROLE listening SET search_path = ''`);
    const file = site.configure(iniFor(site, daemon()));
    const what =
      'table listen_for does not exist: the search_path of role listening has no schema that it may use: there is one in schema public: ALTER ROLE listening SET search_path = public; a daemon that runs sees it after a restart';
    const checked = await uncached(['--config', file, 'check']);
    expect(checked.stdout).toContain(what);
    expect(checked.stdout).toContain('queue table cache_clearing_ports does not exist: the search_path');
    const { code, stdout } = await uncached(['--config', file, 'run']);
    expect(code).toBe(1);
    expect(stdout).toContain(what);
    // With its schema given, the queue is found.
    const named = iniFor(site, daemon()).replaceAll('queue = ', 'queue = public.');
    expect((await uncached(['--config', site.configure(named), 'check'])).stdout).not.toContain(
      'queue table',
    );
    await client.query('ALTER ROLE listening RESET search_path');
  });
});
