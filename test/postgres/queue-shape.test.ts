import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Queue } from '../../src/core/contracts.ts';
import { connect } from '../sql/connect.ts';
import { claimAll, withQueue } from './claim.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
let client: Awaited<ReturnType<typeof connect>>;

beforeAll(async () => {
  client = await connect(database.config);
});
afterAll(() => client.end());
/** In a schema of its own, so that one DROP removes `q`, whatever type of relation it is. */
beforeEach(() =>
  client.query(`
    DROP SCHEMA IF EXISTS queues CASCADE; CREATE SCHEMA queues;
    ALTER DATABASE "${database.name}" SET search_path = queues; SET search_path = queues, public`),
);

const partitioned = `
  CREATE TABLE q (id bigint, k text) PARTITION BY LIST (k);
  CREATE TABLE qa PARTITION OF q FOR VALUES IN ('a');
  CREATE TABLE qb PARTITION OF q FOR VALUES IN ('b');`;
const inheriting = 'CREATE TABLE q (id bigint, k text); CREATE TABLE qb () INHERITS (q);';

it.each([
  ['partitioned', `${partitioned} INSERT INTO q (k) VALUES ('a'), ('b');`],
  [
    'partitioned, with an index',
    `${partitioned} CREATE INDEX ON q (id); INSERT INTO q VALUES (1, 'a'), (2, 'b');`,
  ],
  ['inherited from', `${inheriting} INSERT INTO q (k) VALUES ('a'); INSERT INTO qb (k) VALUES ('b');`],
])(
  'a table that is %s: an entry that somebody has locked holds up no other at the same place',
  async (_, sql) => {
    await client.query(sql);
    const { rows } = await client.query('SELECT DISTINCT ctid FROM q');
    expect(rows).toHaveLength(1);
    await client.query('BEGIN');
    await client.query('SELECT * FROM qb FOR UPDATE');
    try {
      await withQueue(database, ['k'], async (queue) => {
        expect(await queue.claim(10, null)).toMatchObject({
          entries: 1,
          rows: [{ key: { k: 'a' } }],
          remains: true,
        });
        await client.query('COMMIT');
        expect(await queue.claim(10, null)).toMatchObject({ entries: 1, rows: [{ key: { k: 'b' } }] });
      });
    } finally {
      await client.query('ROLLBACK');
    }
  },
);

it.each([
  ['that may be NULL', 'CREATE TABLE q (id bigint UNIQUE, k text)'],
  ['without an index', 'CREATE TABLE q (id bigint, k text)'],
  ['that is no number', 'CREATE TABLE q (id text PRIMARY KEY DEFAULT gen_random_uuid(), k text)'],
  ['that is missing', 'CREATE TABLE q (k text)'],
  ['of partitions', partitioned.replaceAll(`IN ('a')`, `IN ('a', 'c')`)],
])('every entry of a table with an id %s is claimed, in claims that are small', async (_, sql) => {
  await client.query(sql);
  await client.query(`INSERT INTO q (k) SELECT (ARRAY['a', 'b'])[1 + i % 2] FROM generate_series(1, 7) i`);
  if (sql.includes('id bigint'))
    await client.query(`INSERT INTO q (id, k) VALUES (-9223372036854775808, 'a'), (5, 'b'), (6, 'b')`);
  const { rowCount } = await client.query('SELECT FROM q');
  const claims = await withQueue(database, ['k'], (queue) => claimAll(queue, 2));
  expect(claims.reduce((sum, { entries }) => sum + entries, 0)).toBe(rowCount);
  expect(await client.query('SELECT FROM q')).toMatchObject({ rowCount: 0 });
});

/**
 * Rows read are counted, because other processes make the time vary. Sorting what is left for each claim
 * would read 10,500,000 rows.
 */
it.each([
  ['id, with an index', 'id bigserial PRIMARY KEY, k text'],
  ['id, without an index', 'id bigserial, k text'],
  ['no id, but another index', 'date_added timestamptz DEFAULT clock_timestamp(), k text UNIQUE'],
])(
  'a large table is claimed without reading again and again what is left of it: %s',
  async (_, columns) => {
    await client.query(`
    CREATE TABLE q (${columns});
    INSERT INTO q (k) SELECT 'key-' || i FROM generate_series(1, 100000) i`);
    await withQueue(database, ['k'], async (queue) => {
      for (let after: string | null = null, claims = 0; claims < 200; claims++) {
        const { entries, last } = await queue.claim(500, after);
        expect(entries).toBe(500);
        after = last;
      }
    });
    // A session reports its statistics when it ends at the latest, which is after the end of its pool.
    const statistics = async () => {
      const { rows } = await client.query<{ deleted: number; read: number }>(
        `SELECT n_tup_del::int AS deleted, (seq_tup_read + coalesce(idx_tup_fetch, 0))::int AS read
         FROM pg_stat_user_tables WHERE relname = 'q'`,
      );
      return rows[0];
    };
    await expect.poll(async () => (await statistics())?.deleted, { timeout: 100_000 }).toBe(100_000);
    const read = (await statistics())?.read;
    expect(read).toBeGreaterThanOrEqual(100_000);
    expect(read).toBeLessThan(400_000);
  },
  240_000,
);

it('an answer that would be too large is cut, and the rest claimed at once', async () => {
  await client.query(`
    CREATE TABLE q (id bigserial PRIMARY KEY, k text);
    INSERT INTO q (k) SELECT i || repeat('x', 8000) FROM generate_series(1, 3000) i`);
  await withQueue(database, ['k'], async (queue) => {
    const claims = await claimAll(queue, 100_000);
    expect(claims.map(({ entries }) => entries)).toEqual([1_000, 1_000, 1_000]);
  });
});

it('many short entries are not cut', async () => {
  await client.query(`
    CREATE TABLE q (id bigserial PRIMARY KEY, k text);
    INSERT INTO q (k) SELECT 'key-' || i FROM generate_series(1, 20000) i`);
  const claims = await withQueue(database, ['k'], (queue) => claimAll(queue, 100_000));
  expect(claims.map(({ entries }) => entries)).toEqual([20_000]);
});

it.each([
  [`now() + interval '400 days'`, 'timestamptz', null],
  [`'infinity'`, 'timestamptz', null],
  [`'-infinity'`, 'timestamptz', null],
  // Written by a producer in a time zone to the east.
  [`now() AT TIME ZONE 'UTC' + interval '5 hours'`, 'timestamp', null],
  [`now() + interval '10 seconds'`, 'timestamptz', 0],
  [`now() - interval '1 hour'`, 'timestamptz', 3_600_000],
])('an entry that was added at %s (%s) has the age %s', async (added, type, age) => {
  await client.query(`
    CREATE TABLE q (id bigserial PRIMARY KEY, k text, date_added ${type});
    INSERT INTO q (k, date_added) VALUES ('a', ${added})`);
  await withQueue(database, ['k'], async (queue) => {
    const { lagMs: before } = await queue.backlog();
    const { lagMs } = await queue.claim(10, null);
    for (const found of [before, lagMs]) {
      if (age === null) expect(found).toBeNull();
      else expect(Math.abs((found ?? Number.NaN) - age)).toBeLessThan(60_000);
    }
  });
});

it('an entry of a timestamp that claims to be older than the empty queue has no age; others keep theirs', async () => {
  await client.query('CREATE TABLE q (id bigserial PRIMARY KEY, k text, date_added timestamp)');
  const utc = (added: string) =>
    client.query(
      `INSERT INTO q (k, date_added) VALUES ('a', now() AT TIME ZONE 'UTC' + interval '${added}')`,
    );
  const ages = async (queue: Queue) => [(await queue.backlog()).lagMs, (await queue.claim(10, null)).lagMs];
  const hours = 3_600_000;
  const emptied = {
    'by a look': (queue: Queue) => queue.backlog(),
    'by a claim': (queue: Queue) => queue.claim(10, null),
  };
  for (const look of Object.values(emptied)) {
    await withQueue(database, ['k'], async (queue) => {
      // A backlog that existed before the daemon looked.
      await utc('-50 hours');
      for (const age of await ages(queue)) expect(age).toBeGreaterThanOrEqual(50 * hours);
    });
    await withQueue(database, ['k'], async (queue) => {
      await look(queue);
      // Written by a producer to the west, and by one whose transaction was open at that time.
      await utc('-5 hours');
      expect(await ages(queue)).toEqual([null, null]);
      await utc('-5 minutes');
      for (const age of await ages(queue)) expect(age).toBeGreaterThanOrEqual(hours / 12);
      // Claimed after the first.
      await utc('-5 hours');
      await utc('-5 hours');
      const { last, lagMs } = await queue.claim(1, null);
      expect([lagMs, (await queue.claim(1, last)).lagMs]).toEqual([null, null]);
    });
  }
});

it.each([
  ['a view', 'CREATE VIEW q AS SELECT 1 AS id, 1 AS k'],
  ['a materialized view', 'CREATE MATERIALIZED VIEW q AS SELECT 1 AS id, 1 AS k'],
  ['a foreign table', `CREATE FOREIGN TABLE q (k text) SERVER elsewhere OPTIONS (filename '/dev/null')`],
  [
    'a foreign table',
    `${partitioned} CREATE FOREIGN TABLE qf PARTITION OF q FOR VALUES IN ('f') SERVER elsewhere OPTIONS (filename '/dev/null')`,
  ],
])('nothing is claimed from %s, and the reason is told (%s)', async (what, sql) => {
  await client.query(`
    DROP EXTENSION IF EXISTS file_fdw CASCADE; CREATE EXTENSION file_fdw;
    CREATE SERVER elsewhere FOREIGN DATA WRAPPER file_fdw`);
  await client.query(sql);
  await withQueue(database, ['k'], async (queue) => {
    await expect(queue.claim(10, null)).rejects.toThrow(new RegExp(`queue table q.* is ${what}`));
  });
});
