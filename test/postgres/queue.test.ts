import { describe, expect, test } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { freshPortsTables } from '../sql/freshports.ts';
import { install } from '../sql/sql-file.ts';
import { withClient } from './connection.ts';
import { testDatabase } from './test-database.ts';

describe('claim', () => {
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
        [1, [{ date_to_clear: null }], '1'],
        [1, [{ commit_to_clear: '201001010000.o0100001@repoman.freebsd.org' }], null],
        [1, [{ pathname: '/ports/head/MOVED' }], '1'],
      ]);
    } finally {
      await pool.end();
    }
  });
});
