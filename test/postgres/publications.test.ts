import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { publicationProblems } from '../../src/postgres/publications.ts';
import { connect } from '../sql/connect.ts';
import { connectionOf } from './connection.ts';
import { testDatabase } from './test-database.ts';

describe('publicationProblems()', () => {
  const database = testDatabase();
  let client: Client;
  let pool: Pool;

  beforeAll(async () => {
    client = await connect(database.config);
    pool = openPool(openHosts([connectionOf(database.config)]));
    // Suppresses the warning about wal_level.
    await client.query('SET client_min_messages = error');
  });
  afterAll(async () => {
    await pool.end();
    await client.end();
  });
  beforeEach(() => client.query('CREATE SCHEMA site'));
  afterEach(() => client.query('DROP SCHEMA site CASCADE; DROP PUBLICATION IF EXISTS copy'));

  const inspect = async (...tables: string[]) => {
    const { rows } = await client.query<{ oid: string }>(
      'SELECT name::regclass::oid::text AS oid FROM unnest($1::text[]) AS name',
      [tables],
    );
    return publicationProblems(
      pool,
      rows.map(({ oid }) => oid),
    );
  };

  /** Whether a DELETE is refused. */
  async function refused(table: string): Promise<boolean> {
    await client.query('BEGIN');
    try {
      await client.query(`INSERT INTO ${table} DEFAULT VALUES`);
      await client.query(`DELETE FROM ${table}`);
      return false;
    } catch (error) {
      expect((error as Error).message).toMatch(/does not have a replica identity and publishes deletes/);
      return true;
    } finally {
      await client.query('ROLLBACK');
    }
  }

  test.each<[string, string, boolean]>([
    ['without a key', 'CREATE TABLE site.q (id serial, slug text)', true],
    ['without an id', 'CREATE TABLE site.q (slug text)', true],
    ['with a key', 'CREATE TABLE site.q (id serial PRIMARY KEY)', false],
    [
      'with all of it for one',
      'CREATE TABLE site.q (id serial); ALTER TABLE site.q REPLICA IDENTITY FULL',
      false,
    ],
    [
      'with an index for one',
      'CREATE TABLE site.q (id serial UNIQUE); ALTER TABLE site.q REPLICA IDENTITY USING INDEX q_id_key',
      false,
    ],
    ['with a deferred key', 'CREATE TABLE site.q (id serial PRIMARY KEY DEFERRABLE)', true],
    [
      'with a key that is not used',
      'CREATE TABLE site.q (id serial PRIMARY KEY); ALTER TABLE site.q REPLICA IDENTITY NOTHING',
      true,
    ],
    ['that is not logged', 'CREATE UNLOGGED TABLE site.q (id serial)', false],
  ])('of a table %s says what PostgreSQL does, and what helps', async (_what, sql, expected) => {
    await client.query(`${sql}; CREATE PUBLICATION copy FOR ALL TABLES`);
    expect(await refused('site.q')).toBe(expected);
    const problems = await inspect('site.q', 'uncached.log', 'uncached.failing', 'uncached.consumer');
    expect(problems).toHaveLength(expected ? 1 : 0);
    for (const problem of problems) {
      expect(problem).toMatch(/^table site.q is in the publication copy and has no replica identity, /);
      await client.query(/ALTER TABLE [^,]*/.exec(problem)?.[0] ?? '');
      expect(await refused('site.q')).toBe(false);
    }
    expect(await inspect('site.q')).toEqual([]);
  });

  test('names a partition, and a publication of its parent', async () => {
    await client.query(`
      CREATE TABLE site.q (id serial, slug text) PARTITION BY LIST (slug);
      CREATE TABLE site.rest PARTITION OF site.q DEFAULT;
      CREATE PUBLICATION copy FOR TABLE site.q WITH (publish_via_partition_root)`);
    expect(await refused('site.q')).toBe(true);
    expect(await inspect('site.q')).toEqual([
      expect.stringMatching(
        /^table site.rest is in the publication copy .* ALTER TABLE site.rest ADD PRIMARY KEY \(id\)/,
      ),
    ]);
  });

  test('is content with what is not published, or not deleted there, and names the log', async () => {
    await client.query('CREATE TABLE site.q (id serial)');
    expect(await inspect('site.q')).toEqual([]);
    await client.query(`CREATE PUBLICATION copy FOR TABLE site.q WITH (publish = 'insert')`);
    expect(await inspect('site.q')).toEqual([]);
    await client.query(
      'DROP PUBLICATION copy; CREATE PUBLICATION copy FOR ALL TABLES; ALTER TABLE uncached.log REPLICA IDENTITY NOTHING',
    );
    try {
      expect(await inspect('uncached.log')).toEqual([
        expect.stringContaining('ALTER TABLE uncached.log REPLICA IDENTITY DEFAULT'),
      ]);
    } finally {
      await client.query('ALTER TABLE uncached.log REPLICA IDENTITY DEFAULT');
    }
  });
});
