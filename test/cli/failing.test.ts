import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings, unsettled } from '../postgres/unsettled.ts';
import { freshportsHandlers, iniFor, makeSite, type Site } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';

const database = testDatabase();
let site: Site;
let client: Client;
let ids: number[];

beforeAll(async () => {
  site = makeSite();
  client = new Client(database.config);
  await client.connect();
});
afterAll(async () => {
  await client.end();
  site.remove();
});
beforeEach(async () => {
  await forgetClearings(client);
  // Of three rows two fail in a cache, and one waits there.
  const { rows } = await client.query<{ id: string }>(`
    INSERT INTO uncached.log (handler, key) VALUES
      ('listen_port', '{"port": ".."}'), ('listen_date_updated', '{}'), ('listen_port', '{"port": "fine"}')
    RETURNING id`);
  ids = rows.map(({ id }) => Number(id));
  await client.query(`
    INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to)
    VALUES ('a cache', 'files', 'files', 'live', ${ids[1]}, ${ids[1]});
    INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, attempts, retry_at)
    SELECT 'a cache', id, handler, key, claimed_at, last_error, attempts, now() + interval '1 hour'
    FROM uncached.log JOIN (VALUES (${ids[0]}, 'column port is ".."', 7), (${ids[1]}, 'disk full', 1))
      AS failure (id, last_error, attempts) USING (id)`);
});

const run = (...args: string[]) =>
  uncached(['--config', site.configure(iniFor(site, database.config)), 'failing', ...args]);
const left = async () =>
  (await client.query(`SELECT id FROM ${unsettled} ORDER BY id`)).rows.map(({ id }) => Number(id));

it('lists failing rows and no others, with what they say', async () => {
  const { code, stdout } = await run('list');
  expect(code).toBe(0);
  expect(stdout.trim().split('\n')).toHaveLength(2);
  expect(stdout).toMatch(
    /^\d+ {2}listen_port {2}\{"port":"\.\."\} {2}failing for [\d.]+ s, 7 tries, next in [\d.]+ (?:s|min): column port is "\.\."$/m,
  );
  const { stdout: json } = await run('list', '--json', '--handler', 'listen_date_updated');
  expect(JSON.parse(json)).toMatchObject([
    { id: ids[1], consumer: 'a cache', handler: 'listen_date_updated', error: 'disk full', attempts: 1 },
  ]);
});

it('says in which cache, where there are several', async () => {
  await client.query(`
    INSERT INTO uncached.consumer (id, kind, name, node, state, settled_to, cleared_to)
    VALUES ('its varnish', 'purge', 'varnish', 'web1', 'live', ${ids[1]}, ${ids[1]});
    INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error)
    SELECT 'its varnish', id, handler, key, claimed_at, 'refused' FROM uncached.log WHERE id = ${ids[0]}`);
  const { stdout } = await run('list', '--handler', 'listen_port');
  expect(stdout).toMatch(/next in [\d.]+ (?:s|min), in files: column port is "\.\."$/m);
  expect(stdout).toMatch(/next now, in purge varnish on web1: refused$/m);
});

it('has them tried again', async () => {
  expect(await run('retry', '--handler', 'listen_port')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^1 row /),
  });
  const { rows } = await client.query('SELECT retry_at <= now() AS now FROM uncached.failing ORDER BY id');
  expect(rows.map(({ now }) => now)).toEqual([true, false]);
});

it('has the daemon try them at once', { timeout: 240_000 }, async () => {
  await forgetClearings(client);
  const mended = join(site.root, '../mended');
  const handlers = `${freshportsHandlers}run = test -e ${mended}\n`;
  const file = site.configure(iniFor(site, database.config, { handlers }));
  const daemon = startUncached(file);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
  );
  await daemon.until('failure', ({ event }) => event === 'rows-failed');
  // The row must not be found because its retry is due.
  await client.query(`UPDATE uncached.failing SET retry_at = now() + interval '1 hour'`);
  writeFileSync(mended, '');
  await uncached(['--config', file, 'failing', 'retry']);
  await eventually(
    'all settled',
    async () => (await left()).length === 0 || undefined,
    async () => JSON.stringify(daemon.log.slice(-10)),
  );
  await daemon.stop();
});

it('drops what is named, and never everything by accident', async () => {
  expect(await run('drop')).toMatchObject({ code: 2, stderr: expect.stringContaining('--all') });
  expect(await run('drop', 'x')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('"x" is not the id'),
  });
  expect(await left()).toEqual(ids);
  await run('drop', String(ids[1]), String(ids[2]));
  expect(await left()).toEqual([ids[0], ids[2]]);
  await run('drop', '--all');
  expect(await left()).toEqual([ids[2]]);
});

it('says which ids are none of failing rows', async () => {
  for (const action of ['retry', 'drop']) {
    expect(await run(action, String(ids[1]), '99999999')).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^1 row /),
      stderr: 'uncached: 1 id is not a failing row: see uncached failing list\n',
    });
  }
  expect(await left()).toEqual([ids[0], ids[2]]);
  expect(await run('drop', '99999999')).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/^0 rows /),
    stderr: expect.stringContaining('1 id is not a failing row'),
  });
});

it('drops what fails of a handler, whether that is configured or not, and nothing else', async () => {
  await client.query(`INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error) VALUES
    ('a cache', 1000, 'gone', '{}', now(), 'not configured'), ('another', 1000, 'gone', '{}', now(), 'not configured')`);
  expect(await run('drop', '--handler', 'gone')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^2 rows/),
  });
  expect(await run('drop', '--handler', 'listen_port')).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^1 row /),
  });
  expect(await left()).toEqual([ids[1], ids[2]]);
});

it.each([
  [
    'a mistyped handler',
    'listen_prot',
    'the handler "listen_prot" is not configured, did you mean "listen_port"?',
  ],
  [
    'a handler that has nothing failing',
    'news',
    'nothing of the handler "news" is failing: see uncached failing list',
  ],
])('says so of %s', async (_, handler, complaint) => {
  for (const action of ['retry', 'drop']) {
    expect(await run(action, '--handler', handler)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^0 rows /),
      stderr: `uncached: ${complaint}\n`,
    });
  }
  expect(await left()).toEqual(ids);
});

it('lists nothing of a mistyped handler, and says that it is none', async () => {
  expect(await run('list', '--json', '--handler', 'listen_prot')).toEqual({
    code: 0,
    stdout: '[]\n',
    stderr: 'uncached: the handler "listen_prot" is not configured, did you mean "listen_port"?\n',
  });
});
