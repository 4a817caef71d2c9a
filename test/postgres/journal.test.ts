import { Client } from 'pg';
import { expect, it } from 'vitest';
import { openJournal } from '../../src/postgres/journal.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();

it.each([
  { whose: 'another session', name: 'psql', noted: 1 },
  { whose: 'another daemon', name: 'uncached 00', noted: 1 },
  { whose: 'the daemon itself', name: 'uncached 0f', noted: 0 },
])('a look notes a transaction of $whose: $noted', async ({ name, noted }) => {
  const other = new Client({ ...database.config, application_name: name });
  await other.connect();
  const pool = openPool({ current: () => database.config, findPrimary: async () => {} });
  try {
    const journal = openJournal(pool, { owner: '0f', leaseMs: 1_000 });
    await other.query('BEGIN; SELECT 1');
    expect((await journal.look([], [])).virtual).toHaveLength(noted);
  } finally {
    await other.end();
    await pool.end();
  }
});

it('a look finds the rows of its daemon, and marks those it is told to', async () => {
  const pool = openPool({ current: () => database.config, findPrimary: async () => {} });
  try {
    const [mine, others] = ['0f', '00'].map((owner) => openJournal(pool, { owner, leaseMs: 1_000 }));
    const rows = [await mine?.record('a'), await mine?.record('b'), await others?.record('c')];
    const [a = 0, b = 0, c = 0] = rows.map((row) => row?.id);
    const look = await mine?.look([a, b, c, 99], [b, c]);
    expect(look?.found).toEqual([a, b]);
    const { rows: marked } = await pool.query(
      'SELECT id::int FROM uncached.journal WHERE cleared_at IS NOT NULL',
    );
    expect(marked).toEqual([{ id: b }]);
    // Settled by what was found: a row claimed after the look is another one.
    expect(await mine?.read({ ids: [a, b, c], at: look?.at ?? '' })).toHaveLength(2);
  } finally {
    await pool.end();
  }
});
