import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { sharedQueues } from '../../src/postgres/shared-queues.ts';
import { connect } from '../sql/connect.ts';
import { connectionOf } from './connection.ts';
import { testDatabase } from './test-database.ts';

describe('sharedQueues()', () => {
  const database = testDatabase();
  let client: Client;
  let pool: Pool;

  beforeAll(async () => {
    client = await connect(database.config);
    pool = openPool(openHosts([connectionOf(database.config)]));
    await client.query(`
      CREATE SCHEMA site;
      CREATE TABLE site.cache_clearing_ports (slug text);
      CREATE TABLE parts (slug text) PARTITION BY LIST (slug);
      CREATE TABLE rest PARTITION OF parts DEFAULT`);
  });
  afterAll(async () => {
    await pool.end();
    await client.end();
  });

  const shared = async (...queues: string[]) =>
    (
      await sharedQueues(
        pool,
        queues.map((queue, at) => ({ handler: `h${at}`, queue })),
      )
    ).map(({ problem }) => problem);

  test('is content with tables of their own, and leaves what is missing or spelt alike to others', async () => {
    expect(
      await shared(
        'cache_clearing_ports',
        'site.cache_clearing_ports',
        'cache_clearing_files',
        'parts',
        'none',
        'public.none',
        'cache_clearing_files',
        'a.b.c',
      ),
    ).toEqual([]);
    expect(await shared()).toEqual([]);
  });

  test('names two spellings of a table, and a table and its partition', async () => {
    expect(await shared('rest', 'cache_clearing_ports', 'public.cache_clearing_ports', 'parts')).toEqual([
      '[handler.h3] queue = parts and rest of [handler.h0] have entries in common, as one table is a part of the other: ' +
        'an entry goes to one handler only: write the templates of both into one handler',
      '[handler.h2] queue = public.cache_clearing_ports is the table of [handler.h1], which is named cache_clearing_ports there: ' +
        'an entry goes to one handler only: write the templates of both into one handler',
    ]);
  });
});
