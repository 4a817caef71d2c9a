import { Client } from 'pg';
import { expect, it } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { eventually } from '../faults/eventually.ts';
import { connect } from '../sql/connect.ts';
import { append, consumerOf } from './consumer.ts';
import { launchServer } from './launch.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
const nothing = { after: 0, upTo: 0 };

/** Begins a transaction. Resolves with its virtual id, as there may be others. */
async function begin(client: Client): Promise<string> {
  await client.query('BEGIN');
  const { rows } = await client.query<{ id: string }>(
    `SELECT virtualtransaction AS id FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'virtualxid'`,
  );
  return String(rows[0]?.id);
}

// A claim that is under way skips no insert, and the range of the snapshot ends with rows that are committed.
it.each([
  { whose: 'another session', name: 'psql', noted: true },
  { whose: 'a command', name: 'uncached', noted: true },
  { whose: 'another daemon', name: 'uncached 00', noted: false },
  { whose: 'the daemon itself', name: 'uncached 0f', noted: false },
])('a snapshot notes a transaction of $whose: $noted', async ({ name, noted }) => {
  const other = new Client({ ...database.config, application_name: name });
  await other.connect();
  const pool = openPool(openHosts([database.config]));
  try {
    const id = await begin(other);
    expect((await consumerOf(pool).snapshot(nothing)).virtual.includes(id)).toBe(noted);
  } finally {
    await other.end();
    await pool.end();
  }
});

it("a snapshot notes a transaction of another role that uses a daemon's name", async () => {
  const pool = openPool(openHosts([database.config]));
  await pool.query('DROP ROLE IF EXISTS uncached_namesake; CREATE ROLE uncached_namesake LOGIN');
  const other = new Client({
    ...database.config,
    user: 'uncached_namesake',
    application_name: 'uncached 0f',
  });
  await other.connect();
  try {
    const id = await begin(other);
    expect((await consumerOf(pool).snapshot(nothing)).virtual).toContain(id);
  } finally {
    await other.end();
    await pool.query('DROP ROLE uncached_namesake');
    await pool.end();
  }
});

it('a snapshot notes no autovacuum, which may take hours for a large table', async () => {
  const server = await launchServer({
    settings: {
      autovacuum_naptime: '1s',
      autovacuum_vacuum_cost_delay: '100ms',
      autovacuum_vacuum_cost_limit: '1',
    },
  });
  const client = await connect(server);
  const pool = openPool(openHosts([server]));
  try {
    await client.query(`
      CREATE SCHEMA uncached;
      CREATE TABLE uncached.log (id bigint, claimed_at timestamptz);
      CREATE TABLE large AS SELECT i FROM generate_series(1, 100000) AS i;
      DELETE FROM large`);
    const vacuum = async () => {
      const { rows } = await client.query<{ id: string }>(
        `SELECT virtualtransaction AS id FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'virtualxid' AND backend_type = 'autovacuum worker'
           AND datname = current_database() AND query LIKE '%public.large'`,
      );
      return rows[0]?.id;
    };
    const id = await eventually('vacuumed', vacuum, async () => 'there is no autovacuum');
    const { virtual } = await consumerOf(pool).snapshot(nothing);
    expect(await vacuum()).toBe(id);
    expect(virtual).not.toContain(id);
  } finally {
    await pool.end();
    await client.end();
    await server.stop();
  }
});

it('a transaction that is being prepared is in one of the two lists, by its number', async () => {
  const server = await launchServer({ settings: { max_prepared_transactions: '2' } });
  const client = await connect(server);
  const pool = openPool(openHosts([server]));
  try {
    await client.query(`
      CREATE SCHEMA uncached;
      CREATE TABLE uncached.log (id bigint, claimed_at timestamptz);
      CREATE TABLE pages ()`);
    const id = await begin(client);
    const { rows } = await client.query(
      'INSERT INTO pages DEFAULT VALUES RETURNING pg_current_xact_id()::text AS xid',
    );
    expect(await consumerOf(pool).snapshot(nothing)).toMatchObject({ virtual: [id], prepared: [] });
    await client.query(`PREPARE TRANSACTION 'it'`);
    expect(await consumerOf(pool).snapshot(nothing)).toMatchObject({
      virtual: [],
      prepared: [rows[0]?.xid],
    });
    await client.query(`ROLLBACK PREPARED 'it'`);
    expect(await consumerOf(pool).snapshot(nothing)).toMatchObject({ virtual: [], prepared: [] });
  } finally {
    await pool.end();
    await client.end();
    await server.stop();
  }
});

it.each([
  ['as usual', `interval '0'`],
  ["before the server's clock was set back by 400 days", `interval '400 days'`],
  ["before the server's clock was set forward by 400 days", `interval '-400 days'`],
])('rows that were claimed %s settle, and those that took their ids since do not', async (_when, ago) => {
  const client = await connect(database.config);
  const pool = openPool(openHosts([database.config]));
  try {
    await client.query('TRUNCATE uncached.log RESTART IDENTITY');
    await append(client, 2);
    await client.query(`UPDATE uncached.log SET claimed_at = clock_timestamp() + ${ago}`);
    const own = consumerOf(pool);
    const range = { after: 0, upTo: 2 };
    const { at } = await own.snapshot(range);
    expect(await own.readAgain({ ...range, at })).toMatchObject({
      late: false,
      groups: [{ rows: [{ id: 1 }, { id: 2 }] }],
    });
    // A crash of the server has undone the claim, and the id was given to another row.
    await client.query(
      `UPDATE uncached.log SET claimed_at = greatest(claimed_at, clock_timestamp()) + interval '1 microsecond' WHERE id = 2`,
    );
    expect(await own.readAgain({ ...range, at })).toMatchObject({ late: true });
    expect(await own.readAgain({ ...range, upTo: 1, at })).toMatchObject({ late: false });
  } finally {
    await pool.end();
    await client.end();
  }
});
