import { afterEach, beforeEach, expect } from 'vitest';
import type { Ended } from '../uncached.ts';
import { client, ini, on } from './commands.ts';

/* A schema for the tables of a test, and `uncached attach` for them. Importing this registers its hooks. */

beforeEach(async () => {
  await client.query(`
    CREATE SCHEMA IF NOT EXISTS site;
    SET search_path = site, public;
    ALTER DATABASE ${await databaseName()} SET search_path = site, public`);
});
afterEach(async () => {
  await client.query(`
    ROLLBACK;
    RESET ALL;
    DROP SCHEMA site CASCADE;
    DELETE FROM public.listen_for WHERE script_name NOT LIKE 'listen_%'`);
});

async function databaseName(): Promise<string> {
  const { rows } = await client.query<{ name: string }>('SELECT quote_ident(current_database()) AS name');
  return rows[0]?.name ?? '';
}

export const articles =
  'CREATE TABLE articles (id int PRIMARY KEY, section text, slug text, title text, views int DEFAULT 0)';

export const attach = (...args: string[]): Promise<Ended> => on(ini(), 'attach', ...args);

/** Runs what is printed, as psql would. */
export async function attached(...args: string[]): Promise<Ended> {
  const ended = await attach(...args);
  expect(ended, ended.stderr).toMatchObject({ code: 0 });
  await client.query(ended.stdout);
  return ended;
}

/** The keys in the queue table, each as its values with `/` between, in order; the table is empty afterwards. */
export async function taken(queue = 'site.cache_clearing_articles'): Promise<string[]> {
  const { rows } = await client.query<{ key: string }>(
    `WITH gone AS (DELETE FROM ${queue} RETURNING *)
     SELECT (SELECT string_agg(value, '/') FROM json_each_text(to_json(gone)) WHERE key NOT IN ('id', 'date_added', 'xid')) AS key
     FROM gone ORDER BY id`,
  );
  return rows.map(({ key }) => key);
}

/** What the database has of a schema: relations, their rights, triggers; and listen_for. */
export async function state(): Promise<unknown[]> {
  const { rows } = await client.query(`
    SELECT 'relation' AS kind, oid::regclass::text AS name, relacl::text AS text FROM pg_class WHERE relnamespace = 'site'::regnamespace
    UNION ALL
    SELECT 'column', attrelid::regclass || '.' || attname, concat(atttypid::regtype, attacl) FROM pg_attribute
      JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'site'::regnamespace AND attnum > 0
    UNION ALL
    SELECT 'trigger', tgrelid::regclass || '.' || tgname, pg_get_triggerdef(t.oid) FROM pg_trigger AS t
      JOIN pg_class ON pg_class.oid = tgrelid WHERE relnamespace = 'site'::regnamespace
    UNION ALL
    SELECT 'channel', name, script_name FROM listen_for
    ORDER BY 1, 2`);
  return rows;
}
