import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openJournal } from '../../src/postgres/journal.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
let client: Client;
let pool: Pool;

beforeAll(async () => {
  client = await connect(database.config);
  pool = openPool(openHosts([{ ...database.config, application_name: 'uncached me' }], patient));
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
beforeEach(() => client.query('TRUNCATE uncached.journal RESTART IDENTITY'));

const leaseMs = 60_000;
const takeOver = (range: { handlers: string[]; after?: number; upTo?: number }) =>
  openJournal(pool, { owner: 'me', leaseMs }).takeOver({ after: 0, upTo: 1_000_000, ...range });

const insert = (handler: string, owner: string | null, count = 1) =>
  client.query(
    `INSERT INTO uncached.journal (handler, key, owner, cleared_at) SELECT $1, '{}', $2, now() FROM generate_series(1, $3::int)`,
    [handler, owner, count],
  );

const owners = async () => {
  const { rows } = await client.query<{ owner: string; n: number }>(
    'SELECT owner, count(*)::int AS n FROM uncached.journal GROUP BY owner ORDER BY owner',
  );
  return rows.map(({ owner, n }) => [owner, n]);
};

async function whileSomebodyIs<T>(
  config: { application_name: string; user?: string },
  use: () => Promise<T>,
) {
  const other = new Client({ ...database.config, ...config });
  await other.connect();
  try {
    await other.query('SELECT 1');
    return await use();
  } finally {
    await other.end();
  }
}

it.each(['uncached alive', 'uncached alive listener'])(
  'leaves the rows of a daemon that has a session such as "%s", and takes those of one that has none',
  async (name) => {
    await insert('h', 'alive', 2);
    await insert('h', 'dead', 3);
    // Written by a version that recorded no owner.
    await insert('h', null);
    await insert('h', 'me');
    await whileSomebodyIs({ application_name: name }, async () => {
      expect(await takeOver({ handlers: ['h'] })).toMatchObject({ taken: 4, others: 2, orphans: {} });
    });
    expect(await owners()).toEqual([
      ['alive', 2],
      ['me', 5],
    ]);
    expect(await takeOver({ handlers: ['h'] })).toMatchObject({ taken: 2, others: 0 });
  },
);

it('an impostor with the name of a dead daemon cannot keep its rows: only sessions of our own role count', async () => {
  await client.query('DROP ROLE IF EXISTS uncached_impostor; CREATE ROLE uncached_impostor LOGIN');
  try {
    await insert('h', 'dead');
    const taken = await whileSomebodyIs(
      { application_name: 'uncached dead', user: 'uncached_impostor' },
      () => takeOver({ handlers: ['h'] }),
    );
    expect(taken).toMatchObject({ taken: 1, others: 0 });
  } finally {
    await client.query('DROP ROLE uncached_impostor');
  }
});

it('leaves rows of handlers that it lacks to a daemon that has them, and reports how many', async () => {
  await insert('h', 'dead', 2);
  await insert('images', 'dead', 3);
  await insert('images', 'me');
  expect(await takeOver({ handlers: ['h'] })).toMatchObject({ taken: 2, others: 0, orphans: { images: 3 } });
  expect(await takeOver({ handlers: ['images'] })).toMatchObject({ taken: 3, others: 0, orphans: {} });
});

it('goes by parts, each of which says how far it went', async () => {
  await insert('h', 'dead', 25_000);
  const parts: { taken: number; upTo: number }[] = [];
  for (let after = 0; after < 25_000; ) {
    const { taken, upTo } = await takeOver({ handlers: ['h'], after, upTo: 25_000 });
    parts.push({ taken, upTo });
    after = upTo;
  }
  expect(parts).toEqual([
    { taken: 10_000, upTo: 10_000 },
    { taken: 10_000, upTo: 20_000 },
    { taken: 5_000, upTo: 25_000 },
  ]);
  const { rowCount } = await client.query('SELECT FROM uncached.journal WHERE cleared_at IS NULL');
  expect(rowCount).toBe(25_000);
});

it('waits for no row that somebody has locked, and counts it as left', async () => {
  await insert('h', 'dead', 2);
  await client.query('BEGIN; SELECT FROM uncached.journal WHERE id = 1 FOR UPDATE');
  try {
    expect(await takeOver({ handlers: ['h'] })).toMatchObject({ taken: 1, others: 1 });
  } finally {
    await client.query('ROLLBACK');
  }
});
