import { Client } from 'pg';
import { expect, it } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openJournal } from '../../src/postgres/journal.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();

/** Begins a transaction. Resolves with its virtual id, as there may be others: autovacuum's, for example. */
async function begin(client: Client): Promise<string> {
  await client.query('BEGIN');
  const { rows } = await client.query<{ id: string }>(
    `SELECT virtualtransaction AS id FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'virtualxid'`,
  );
  return String(rows[0]?.id);
}

it.each([
  { whose: 'another session', name: 'psql', noted: true },
  { whose: 'another daemon', name: 'uncached 00', noted: true },
  { whose: 'the daemon itself', name: 'uncached 0f', noted: false },
])('a look notes a transaction of $whose: $noted', async ({ name, noted }) => {
  const other = new Client({ ...database.config, application_name: name });
  await other.connect();
  const pool = openPool(openHosts([database.config]));
  try {
    const journal = openJournal(pool, { owner: '0f', leaseMs: 1_000 });
    const id = await begin(other);
    expect((await journal.snapshot([], [])).virtual.includes(id)).toBe(noted);
  } finally {
    await other.end();
    await pool.end();
  }
});

it("a snapshot notes a transaction of another role that uses the daemon's name", async () => {
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
    const journal = openJournal(pool, { owner: '0f', leaseMs: 1_000 });
    expect((await journal.snapshot([], [])).virtual).toContain(id);
  } finally {
    await other.end();
    await pool.query('DROP ROLE uncached_namesake');
    await pool.end();
  }
});

it('a snapshot finds the rows of its daemon, and marks those it is asked to', async () => {
  const pool = openPool(openHosts([database.config]));
  try {
    const [mine, others] = ['0f', '00'].map((owner) => openJournal(pool, { owner, leaseMs: 1_000 }));
    const rows = [await mine?.record('a'), await mine?.record('b'), await others?.record('c')];
    const [a = 0, b = 0, c = 0] = rows.map((row) => row?.id);
    const look = await mine?.snapshot([a, b, c, 99], [b, c]);
    expect(look?.found).toEqual([a, b]);
    const { rows: marked } = await pool.query(
      'SELECT id::int FROM uncached.journal WHERE cleared_at IS NOT NULL',
    );
    expect(marked).toEqual([{ id: b }]);
    // Settled by the rows that were read: a row claimed after the snapshot is a different row.
    expect(await mine?.read({ ids: [a, b, c], at: look?.at ?? '' })).toHaveLength(2);
  } finally {
    await pool.end();
  }
});

it('reads, settles and keeps as invalid only what was claimed before the snapshot', async () => {
  const pool = openPool(openHosts([database.config]));
  try {
    const journal = openJournal(pool, { owner: 'bound', leaseMs: 1_000 });
    const before = await journal.record('before');
    const after = await journal.record('after');
    const ids = [before.id, after.id];
    const { at } = await journal.snapshot(ids, []);
    // A crash of the server has undone the claim, and the id was given to another row.
    await pool.query('UPDATE uncached.journal SET claimed_at = clock_timestamp() WHERE id = $1', [after.id]);
    expect(await journal.read({ ids, at })).toEqual([before]);
    await journal.keepInvalid(
      ids.map((id) => ({ id, error: 'e' })),
      at,
    );
    expect((await journal.failing({})).map(({ id }) => id)).toEqual([before.id]);
    await journal.settle({ ids, at });
    const { rows } = await pool.query(`SELECT handler FROM uncached.journal WHERE owner = 'bound'`);
    expect(rows).toEqual([{ handler: 'after' }]);
  } finally {
    await pool.end();
  }
});
