import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { versions } from '../postgres/versions.ts';
import { attach, levels } from './attach.ts';
import { catalog } from './catalog.ts';
import { connect } from './connect.ts';
import { install, uninstall } from './sql-file.ts';

const newest = { title: 'PostgreSQL of this run', binaries: undefined, missing: false };
const older = versions().map(({ title, binaries }) => ({ title, binaries, missing: binaries === undefined }));

/** The life of an installation on a new server. The tests depend on each other. */
describe.each([...older, newest])('sql/ on $title', ({ binaries, missing }) => {
  let server: LaunchedServer | undefined;
  let client: Client;

  beforeAll(async () => {
    if (missing) return;
    server = await launchServer(binaries === undefined ? {} : { binaries });
    client = await connect(server);
  });
  afterAll(async () => {
    if (server === undefined) return;
    await client.end();
    await server.stop();
  });

  test.skipIf(missing)('1-log.sql says whom a role should ask that may not create roles', async () => {
    await client.query(`
      CREATE ROLE builder;
      GRANT CREATE ON DATABASE postgres TO builder;
      GRANT CREATE ON SCHEMA public TO builder;
      SET ROLE builder`);
    await expect(install(client)).rejects.toMatchObject({
      code: '42501',
      message: 'Cannot create role uncached: role builder may not create roles',
      hint: 'Have a superuser say CREATE ROLE uncached NOLOGIN, then run this file again.',
    });

    await client.query('RESET ROLE; CREATE ROLE uncached NOLOGIN; SET ROLE builder');
    await install(client);

    await client.query(
      'RESET ROLE; DROP SCHEMA uncached CASCADE; DROP OWNED BY builder; DROP ROLE builder, uncached',
    );
  });

  test.skipIf(missing)('installs, and again without a change', async () => {
    expect(await install(client)).toEqual([]);
    const installed = await catalog(client);
    await install(client);
    expect(await catalog(client)).toEqual(installed);
  });

  test.skipIf(missing).each(levels)(
    'uncached.enqueue() serves a member of the role for each %s',
    async (level) => {
      await client.query('DROP TABLE IF EXISTS ports; CREATE TABLE ports (category text, name text)');
      await attach(client, level, 'ports', [
        'public.cache_clearing_ports',
        'port_updated',
        'category',
        'port=name',
      ]);
      await client.query(`INSERT INTO ports VALUES ('www', 'nginx'), ('www', 'nginx')`);
      await client.query(`UPDATE ports SET name = 'varnish' WHERE name = 'nginx'`);
      await client.query('DELETE FROM ports');

      await client.query('SET ROLE uncached');
      const { rows } = await client.query(`
      WITH taken AS (
        DELETE FROM cache_clearing_ports
         WHERE ctid = ANY (ARRAY(SELECT ctid FROM cache_clearing_ports ORDER BY id FOR UPDATE SKIP LOCKED))
        RETURNING category, port, id
      )
      SELECT port FROM taken ORDER BY id`);
      await client.query('RESET ROLE');
      expect(rows.map(({ port }) => port).sort()).toEqual(['nginx', 'nginx', 'varnish', 'varnish']);
    },
  );

  test.skipIf(missing)('the hint for a queue table that lacks everything can be followed', async () => {
    await client.query('CREATE TABLE bare (category text PRIMARY KEY); CREATE TABLE source (category text)');
    await attach(client, 'row', 'source', ['bare', 'changed', 'category']);
    const error: unknown = await client.query(`INSERT INTO source VALUES ('www')`).catch((caught) => caught);
    expect(error).toMatchObject({
      code: '55000',
      hint: expect.stringMatching(/^ALTER TABLE public\.bare .*;$/),
    });
    await client.query((error as { hint: string }).hint);
    await client.query(`INSERT INTO source VALUES ('www')`);
    expect((await client.query('SELECT FROM bare')).rowCount).toBe(1);
  });

  test.skipIf(missing)(
    'uninstall.sql drops the role that nothing else needs, and may run again',
    async () => {
      for (const _ of [1, 2]) {
        await uninstall(client);
        expect((await catalog(client)).filter((line) => line.includes('uncached'))).toEqual([]);
        expect((await client.query(`SELECT FROM pg_roles WHERE rolname = 'uncached'`)).rowCount).toBe(0);
      }
    },
  );
});
