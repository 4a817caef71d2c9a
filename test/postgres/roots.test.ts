import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { openRoots } from '../../src/postgres/roots.ts';
import { connect } from '../sql/connect.ts';
import { connectionOf } from './connection.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

describe('registering a root', () => {
  const database = testDatabase();
  let client: Client;
  let pool: Pool;

  beforeAll(async () => {
    client = await connect(database.config);
    pool = openPool(openHosts([connectionOf(database.config)], patient));
  });
  afterAll(async () => {
    await pool.end();
    await client.end();
  });
  afterEach(() => client.query('DELETE FROM uncached.root'));

  const register = (path: string) =>
    openRoots({ pool, owner: "o'wner\\", queues: ['public."q\'1\\"'], onMissing: () => {} }).register({
      machine: 'm',
      path,
      id: 'i',
      identity: '1:2',
      mountPoint: '/',
      places: { '': 'i', "a'\\": 'j' },
      wiping: false,
      taking: true,
    });

  test('keeps every text as it is, also a second time', async () => {
    const path = "/x/it's \\ here; DROP TABLE uncached.root; --";
    await register(path);
    await register(path);
    const { rows } = await client.query(
      `SELECT path, mount_point, places, queues, wiping, ARRAY(SELECT jsonb_object_keys(owners)) AS owners FROM uncached.root`,
    );
    expect(rows).toEqual([
      {
        path,
        mount_point: '/',
        places: { '': 'i', "a'\\": 'j' },
        queues: ['public."q\'1\\"'],
        wiping: false,
        owners: ["o'wner\\"],
      },
    ]);
  });

  test('waits for another that is under way, and so comes after it', async () => {
    await client.query(`
      BEGIN;
      LOCK TABLE uncached.root IN SHARE ROW EXCLUSIVE MODE;
      INSERT INTO uncached.root VALUES ('m', '/other', 'o', '', '', '{}', '{}', '{}', false)`);
    const registered = register('/own').then(() => 'registered');
    // Locks of all databases are listed, and those that were copied from one template have the same oids.
    const waiting = `
      SELECT FROM pg_locks WHERE NOT granted AND relation = 'uncached.root'::regclass
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;
    await expect.poll(async () => (await client.query(waiting)).rowCount, { timeout: 100_000 }).toBe(1);
    await client.query('COMMIT');
    expect(await registered).toBe('registered');
    const { rows } = await client.query('SELECT path FROM uncached.root ORDER BY seen_at');
    expect(rows.map(({ path }) => path)).toEqual(['/other', '/own']);
  });

  test('takes no lock that anybody may hold', async () => {
    await client.query(`
      CREATE FUNCTION public.no_advisory_lock() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) THEN
          RAISE 'an advisory lock, which any role can keep for ever';
        END IF;
        RETURN NEW;
      END$$;
      CREATE TRIGGER no_advisory_lock BEFORE INSERT ON uncached.root FOR EACH ROW EXECUTE FUNCTION public.no_advisory_lock()`);
    try {
      await register('/own');
    } finally {
      await client.query('DROP TRIGGER no_advisory_lock ON uncached.root');
    }
  });
});
