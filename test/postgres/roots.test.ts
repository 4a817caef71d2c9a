import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { openRoots } from '../../src/postgres/roots.ts';
import { connect } from '../sql/connect.ts';
import { connectionOf } from './connection.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

describe('a root', () => {
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

  const roots = () => openRoots({ pool, queues: ['public."q\'1\\"'], onMissing: () => {} });
  const places = { '': 'i', "a'\\": 'j' };
  const register = (path: string) =>
    roots().register({ machine: 'm', path, id: 'i', identity: '1:2', mountPoint: '/', places });

  test('that is registered keeps every text as it is, also a second time', async () => {
    const path = "/x/it's \\ here; DROP TABLE uncached.root; --";
    await register(path);
    await register(path);
    const { rows } = await client.query(`SELECT path, mount_point, places, queues FROM uncached.root`);
    expect(rows).toEqual([{ path, mount_point: '/', places, queues: ['public."q\'1\\"'] }]);
    expect(await roots().known({ machine: 'm', path })).toEqual({ id: 'i', mountPoint: '/', places });
    expect(await roots().known({ machine: 'other', path })).toBeUndefined();
  });

  test.each([
    ['there as ever', { machine: 'm', path: '/x', identity: '1:2' }, false],
    ['there from a backup', { machine: 'm', path: '/x', identity: '1:3' }, false],
    ['moved on its machine', { machine: 'm', path: '/y', identity: '1:2' }, false],
    ['copied on its machine', { machine: 'm', path: '/y', identity: '1:3' }, true],
    ['on a cloned machine', { machine: 'clone', path: '/x', identity: '1:2' }, true],
    ['copied to another machine', { machine: 'other', path: '/z', identity: '7:7' }, true],
  ])('with the marker of another is a copy, if it is %s: %s', async (_where, seen, isCopy) => {
    await register('/x');
    expect(await roots().isCopy({ id: 'i', ...seen })).toBe(isCopy);
    expect(await roots().isCopy({ id: 'another', ...seen })).toBe(false);
  });

  test('is registered without a lock that anybody may hold', async () => {
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
