import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { inspectOwners } from '../../src/postgres/owners.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { install } from '../sql/sql-file.ts';
import { type LaunchedServer, launchServer } from './launch.ts';

/** This makes roles, so it uses a server of its own. */
describe('a queue table that somebody else made before the installation', () => {
  let server: LaunchedServer;
  let client: Client;

  beforeAll(async () => {
    server = await launchServer();
    client = await connect(server);
    await client.query(`
      CREATE ROLE listening LOGIN;
      CREATE ROLE mallory;
      GRANT CREATE ON SCHEMA public TO mallory;
      SET ROLE mallory;
      CREATE TABLE public.cache_clearing_ports (id bigint PRIMARY KEY, category text, port text);
      RESET ROLE`);
  });
  afterAll(async () => {
    await client.end();
    await server.stop();
  });

  test('is reported by the installation and by check, until a trusted role owns it', async () => {
    const warnings = async () =>
      (await install(client)).filter(({ severity }) => severity === 'WARNING').map(({ message }) => message);
    const told = await warnings();
    await client.query('GRANT uncached TO listening');
    const pool = openPool(openHosts([{ ...server, user: 'listening' }]));
    const inspected = () => inspectOwners(pool, ['listen_for', 'cache_clearing_ports', 'no_such_table']);
    try {
      expect(told).toEqual([
        'Table public.cache_clearing_ports was there already and belongs to role mallory, whose triggers and rules on it will run with the rights of the daemon',
      ]);
      expect(await inspected()).toEqual([
        'table public.cache_clearing_ports belongs to role mallory, whose triggers and rules on it run with the rights of role listening: ' +
          'if mallory is not trusted with these, look at its triggers, and ALTER TABLE public.cache_clearing_ports OWNER TO postgres',
      ]);
      await client.query('ALTER TABLE public.cache_clearing_ports OWNER TO postgres');
      expect(await inspected()).toEqual([]);
      expect(await warnings()).toEqual([]);
      // The owner of the database has all rights in it.
      await client.query(
        'ALTER TABLE public.cache_clearing_ports OWNER TO mallory; ALTER DATABASE postgres OWNER TO mallory',
      );
      expect(await inspected()).toEqual([]);
    } finally {
      await pool.end();
    }
  });
});
