import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { attach, type Level } from './attach.ts';
import { connect } from './connect.ts';

/*
 * A queue, and a schema for tables, recreated for each test of a file that imports this. Importing registers
 * its hooks.
 */

export const database = testDatabase();
export let client: Client;

beforeAll(async () => {
  client = await connect(database.config);
});
afterAll(() => client.end());

/** The queue's entries in order, each as 'category/port'. */
export async function queue(): Promise<string[]> {
  const { rows } = await client.query<{ category: string | null; port: string | null }>(
    'SELECT category, port FROM public.cache_clearing_ports',
  );
  return rows.map(({ category, port }) => `${category ?? 'NULL'}/${port ?? 'NULL'}`).sort();
}

export async function clearQueue(): Promise<void> {
  await client.query('TRUNCATE public.cache_clearing_ports');
}

// Removes everything that a test made before the next one starts.
beforeEach(async () => {
  await client.query(`
    ROLLBACK;
    RESET ALL;
    DROP SCHEMA IF EXISTS scratch CASCADE;
    CREATE SCHEMA scratch;
    SET search_path = scratch, public`);
});

/** Creates three ports with triggers attached, and empties the queue. */
export async function attachPorts(level: Level): Promise<void> {
  await client.query(`
    CREATE TABLE ports (id integer PRIMARY KEY, category text, name text, version integer DEFAULT 1);
    INSERT INTO ports VALUES (1, 'www', 'nginx'), (2, 'www', 'varnish'), (3, 'mail', 'exim')`);
  await attach(client, level, 'ports', ['cache_clearing_ports', 'port_updated', 'category', 'port=name']);
  await clearQueue();
}
