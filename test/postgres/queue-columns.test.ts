import type { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ageNotices } from '../../src/postgres/entry-age.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { queueColumns } from '../../src/postgres/queue-columns.ts';
import { findQueueTable } from '../../src/postgres/queue-table.ts';
import { connect } from '../sql/connect.ts';
import { connectionOf } from './connection.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
let client: Client;
let pool: Pool;

beforeAll(async () => {
  client = await connect(database.config);
  pool = openPool(openHosts([connectionOf(database.config)]));
  await client.query(
    `CREATE DOMAIN day AS date; CREATE DOMAIN birthday AS day; CREATE DOMAIN moment AS timestamptz DEFAULT now(); CREATE TYPE mood AS ENUM ('sad')`,
  );
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
afterEach(() => client.query('DROP TABLE IF EXISTS q'));

/** The columns of a table that is created for this call. */
async function columnsOf(sql: string) {
  await client.query(`CREATE TABLE q (${sql})`);
  const table = await findQueueTable(pool, 'q');
  return { table, columns: (await queueColumns(pool, [table.oid])).get(table.oid) ?? [] };
}

test('queueColumns() returns the type of each, and whether it may stay NULL', async () => {
  const { columns } = await columnsOf(
    'a varchar(9), b birthday NOT NULL, c numeric(4, 1) DEFAULT 0, d moment, e int GENERATED ALWAYS AS IDENTITY, f mood, g text[]',
  );
  expect(columns.map(({ name, type, category, staysNull }) => [name, type, category, staysNull])).toEqual([
    ['a', 'character varying', 'S', true],
    ['b', 'date', 'D', false],
    ['c', 'numeric', 'N', false],
    ['d', 'timestamp with time zone', 'D', false],
    ['e', 'integer', 'N', false],
    ['f', 'public.mood', 'E', true],
    ['g', 'text[]', 'A', true],
  ]);
  expect(await queueColumns(pool, [])).toEqual(new Map());
});

describe('ageNotices()', () => {
  const notices = async (sql: string, rows: readonly string[] = []) => {
    const { table, columns } = await columnsOf(`slug text, ${sql}`);
    for (const value of rows) await client.query(`INSERT INTO q (date_added) VALUES (${value})`);
    return ageNotices(pool, 'q', table, columns);
  };

  test.each<[string, readonly string[]]>([
    ['date_added timestamptz DEFAULT now()', []],
    ['date_added timestamp NOT NULL', []],
    ['date_added moment', []],
    ['date_added timestamptz DEFAULT now()', ['NULL', 'now()', `now() + interval '1 hour'`]],
  ])('is content with %s, entries %j', async (sql, rows) => {
    expect(await notices(sql, rows)).toEqual([]);
  });

  test.each<[string, readonly string[], RegExp]>([
    ['added timestamptz', [], /^queue table q has no column date_added: /],
    ['date_added text', [], /^queue table q: date_added is of type text: /],
    ['date_added date DEFAULT now()', [], /^queue table q: date_added is of type date: /],
    ['date_added timestamptz', [], /^queue table q: date_added has no default: /],
    ['date_added timestamptz DEFAULT now()', ['NULL'], /^queue table q has entries, and no date_added /],
    ['date_added timestamptz DEFAULT now()', [`'infinity'`, `now() + interval '1 hour'`], /has entries/],
  ])('names what is wrong with %s, entries %j', async (sql, rows, said) => {
    const [notice = '', ...more] = await notices(sql, rows);
    expect(notice).toMatch(said);
    expect(more).toEqual([]);
    // The suggested remedy works.
    const remedy = /ALTER TABLE.*/.exec(notice)?.[0] ?? 'TRUNCATE q';
    await client.query(remedy);
    const table = await findQueueTable(pool, 'q');
    expect(
      await ageNotices(pool, 'q', table, (await queueColumns(pool, [table.oid])).get(table.oid) ?? []),
    ).toEqual([]);
  });
});
