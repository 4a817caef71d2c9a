import { describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { freshPortsTables } from '../sql/freshports.ts';
import { install } from '../sql/sql-file.ts';
import { withClient } from './connection.ts';
import { testDatabase } from './test-database.ts';

describe('claim', () => {
  describe('of a backlog in a table that was vacuumed when it was empty, as it nearly always is', () => {
    const database = testDatabase();

    // Found by the producers of bench/: because of the server's statistics of such a table, each claim read
    // all that was left: 100 ms for 20,000 entries.
    test('reads what it takes and not all that is left', async () => {
      const pool = openPool(openHosts([database.config]));
      const queue = openQueue(pool, {
        handler: 'h',
        queue: 'cache_clearing_ports',
        columns: ['category', 'port'],
        user: 'postgres',
        owner: 'test',
      });
      await withClient(database.config, async (client) => {
        const statistics = async () => {
          const { rows } = await client.query<{ deleted: number; readInOrder: number }>(
            `SELECT n_tup_del::int AS deleted, seq_tup_read::int AS "readInOrder"
             FROM pg_stat_user_tables WHERE relname = 'cache_clearing_ports'`,
          );
          return rows[0];
        };
        await client.query('VACUUM cache_clearing_ports');
        // From here on the plan is cached.
        expect(await queue.claim(1_000, null)).toMatchObject({ entries: 0 });
        await client.query(
          `INSERT INTO cache_clearing_ports (category, port) SELECT 'www', 'port-' || i FROM generate_series(1, 20000) i`,
        );
        let after: string | null = null;
        for (let taken = 0; taken < 20_000; taken += 1_000) {
          const { entries, last } = await queue.claim(1_000, after);
          expect(entries).toBe(1_000);
          after = last;
        }
        // A session reports its statistics when it ends at the latest, which is after the end of the pool.
        await pool.end();
        await expect.poll(async () => (await statistics())?.deleted, { timeout: 100_000 }).toBe(20_000);
        expect(await statistics()).toMatchObject({ readInOrder: 0 });
      });
    });
  });

  const database = testDatabase({ template: 'template0' });

  // Found by test/stress/: no entry of a table with an integer id was ever claimed.
  test('takes the entries of the tables that FreshPorts has, whatever their id', async () => {
    await withClient(database.config, async (client) => {
      await client.query(freshPortsTables);
      await install(client);
    });
    const pool = openPool(openHosts([database.config]));
    try {
      const claimed: unknown[] = [];
      for (const [table, ...columns] of [
        ['cache_clearing_ports', 'category', 'port'],
        ['cache_clearing_dates', 'date_to_clear'],
        ['cache_clearing_commits', 'commit_to_clear'],
        ['cache_clearing_files', 'pathname'],
      ] as const) {
        const queue = openQueue(pool, {
          handler: table,
          queue: table,
          columns,
          user: 'postgres',
          owner: 'test',
        });
        const { entries, rows, last } = await queue.claim(10, null);
        claimed.push([entries, rows.map(({ key }) => key), last]);
        expect(await queue.claim(10, last)).toMatchObject({ entries: 0, rows: [], remains: false });
      }
      expect(claimed).toEqual([
        [1, [{ category: 'www', port: 'nginx' }], '1'],
        [1, [{ date_to_clear: null }], '(0,1)'],
        [1, [{ commit_to_clear: '201001010000.o0100001@repoman.freebsd.org' }], '(0,1)'],
        [1, [{ pathname: '/ports/head/MOVED' }], '1'],
      ]);
    } finally {
      await pool.end();
    }
  });
});
