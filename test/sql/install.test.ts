import { readdirSync } from 'node:fs';
import type { Client } from 'pg';
import { describe, expect, test } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { catalog } from './catalog.ts';
import { freshPortsQueueTables, freshPortsTables } from './freshports.ts';
import { install, readSqlFile } from './sql-file.ts';

describe('installation', () => {
  const database = testDatabase({ template: 'template0' });
  const shipped = testDatabase();

  /** Runs the script again in a database, which must change nothing. */
  const repeated = async (client: Client, again: { freshports: boolean }) => {
    const installed = await catalog(client);
    expect(await install(client, again)).toEqual([]);
    expect(await catalog(client)).toEqual(installed);
  };
  const channels = async (client: Client) =>
    (await client.query<{ name: string }>('SELECT name FROM listen_for ORDER BY id')).rows.map(
      ({ name }) => name,
    );

  test('makes an empty listen_for, none of the tables of FreshPorts, and may run again', async () => {
    await withClient(database.config, async (client) => {
      expect(await install(client, { freshports: false })).toEqual([]);

      const { rows } = await client.query(
        `SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'`,
      );
      expect(rows).toEqual([{ relname: 'listen_for' }]);
      expect(await channels(client)).toEqual([]);
      expect(await catalog(client)).toContainEqual(
        expect.stringMatching(/^grant \| listen_for \| .*\buncached=r\//),
      );
      await repeated(client, { freshports: false });
    });
  });

  test('adds the tables and channels of FreshPorts to one without, and may run again', async () => {
    await withClient(database.config, async (client) => {
      await client.query(`INSERT INTO listen_for (name, script_name) VALUES ('file_updated', 'own')`);
      await install(client);

      expect(await channels(client)).toEqual([
        'file_updated',
        'port_updated',
        'date_updated',
        'commit_updated',
      ]);
      const columns = (lines: string[]) =>
        lines.filter((line) => freshPortsQueueTables.some((table) => line.includes(table)));
      expect(columns(await catalog(client))).toEqual(
        await withClient(shipped.config, async (other) => columns(await catalog(other))),
      );
      await repeated(client, { freshports: true });
    });
  });

  test('without FreshPorts leaves its tables, rights, entries and channels as they are', async () => {
    await withClient(database.config, async (client) => {
      await client.query(`
        DELETE FROM listen_for WHERE name <> 'port_updated';
        INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx')`);

      for (const freshports of [false, true]) {
        await repeated(client, { freshports });
        expect(await channels(client)).toEqual(['port_updated']);
        expect((await client.query('TABLE cache_clearing_ports')).rowCount).toBe(1);
      }
    });
  });
});

describe('sql/', () => {
  const database = testDatabase({ encoding: 'SQL_ASCII' });

  test.each(readdirSync('sql'))('%s is ASCII, for any encoding, and needs no psql', async (file) => {
    expect(await readSqlFile(file)).toMatch(/^[\n\x20-\x5b\x5d-\x7e]*$/);
  });

  test('installs into a database that is SQL_ASCII', async () => {
    await withClient(database.config, async (client) => {
      expect(await install(client)).toEqual([]);
    });
  });
});

describe('installation over FreshPorts', () => {
  const database = testDatabase({ template: 'template0' });
  const everyRow = async (client: Client) => {
    const rows: unknown[] = [];
    for (const table of ['listen_for', ...freshPortsQueueTables]) {
      rows.push(...(await client.query(`SELECT * FROM ${table}`)).rows);
    }
    return rows;
  };

  test('tables that are there already are left as they are, but for the grants', async () => {
    await withClient(database.config, async (client) => {
      await client.query(freshPortsTables);
      const before = { catalog: await catalog(client), rows: await everyRow(client) };

      await install(client);

      const theirs = (line: string) => !line.startsWith('grant') && !line.includes('uncached');
      expect((await catalog(client)).filter(theirs)).toEqual(before.catalog.filter(theirs));
      expect(await everyRow(client)).toEqual(before.rows);
    });
  });
});

describe('shipped tables', () => {
  const database = testDatabase();

  test('listen_for names the channels and handlers of the four queue tables', async () => {
    await withClient(database.config, async (client) => {
      const { rows } = await client.query('SELECT name, script_name FROM listen_for ORDER BY id');
      expect(rows).toEqual([
        { name: 'port_updated', script_name: 'listen_port' },
        { name: 'date_updated', script_name: 'listen_date_updated' },
        { name: 'commit_updated', script_name: 'listen_commit' },
        { name: 'file_updated', script_name: 'listen_file_updated' },
      ]);
    });
  });

  test('listen_for takes a channel only once', async () => {
    await withClient(database.config, async (client) => {
      await expect(
        client.query(`INSERT INTO listen_for (name, script_name) VALUES ('port_updated', 'another')`),
      ).rejects.toThrow('duplicate key');
    });
  });

  test.each([
    ['cache_clearing_ports (category, port)', `('www', 'nginx')`],
    ['cache_clearing_dates (date_to_clear)', `('2026-11-21')`],
    ['cache_clearing_commits (commit_to_clear)', `('b1f9d52c')`],
    ['cache_clearing_files (pathname)', `('/ports/head/MOVED')`],
  ])('%s takes a key once a transaction, NULL or not', async (target, key) => {
    await withClient(database.config, async (client) => {
      const insert = `INSERT INTO ${target} VALUES ${key}`;
      const nulls = target.includes(',') ? '(NULL, NULL)' : '(NULL)';
      await client.query(insert);
      await client.query(insert);
      await client.query(`INSERT INTO ${target} VALUES ${nulls}`);
      await expect(client.query(`${insert}, ${key}`)).rejects.toThrow('duplicate key');
    });
  });

  test('date_added is when the row was inserted, not when its transaction began', async () => {
    await withClient(database.config, async (client) => {
      await client.query('BEGIN');
      const { rows } = await client.query(
        `INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2026-11-22') RETURNING date_added > now() AS later`,
      );
      await client.query('COMMIT');
      expect(rows).toEqual([{ later: true }]);
    });
  });
});

describe('the schema uncached', () => {
  const database = testDatabase();

  test('has cursors whose every update is HOT', async () => {
    await withClient(database.config, async (client) => {
      await client.query(`
        INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to)
        SELECT n, 'files', 'files', 'live', 0, 0 FROM generate_series(1, 100) AS n`);
      await client.query(
        'BEGIN; UPDATE uncached.consumer SET settled_to = 1, cleared_to = 2, seen_at = clock_timestamp()',
      );
      const { rows } = await client.query(
        `SELECT pg_stat_get_xact_tuples_hot_updated('uncached.consumer'::regclass)::int AS hot`,
      );
      await client.query('COMMIT');
      expect(rows).toEqual([{ hot: 100 }]);
    });
  });

  test('has indexes that hold only rows that wait for a retry, or settle after one', async () => {
    await withClient(database.config, async (client) => {
      const { rows } = await client.query<{ definition: string }>(
        `SELECT pg_get_indexdef(indexrelid) AS definition FROM pg_index
         WHERE indrelid = 'uncached.failing'::regclass AND NOT indisprimary ORDER BY 1`,
      );
      expect(rows.map(({ definition }) => definition.replace(/^.* USING btree /, ''))).toEqual([
        '(consumer, cohort, id) WHERE (cohort IS NOT NULL)',
        '(consumer, retry_at) WHERE (retry_at IS NOT NULL)',
      ]);
    });
  });

  test('has one lock for who appends, whose row nobody can double or change', async () => {
    await withClient(database.config, async (client) => {
      await install(client);
      expect((await client.query('TABLE uncached.log_lock')).rows).toEqual([{ single: true }]);
      for (const statement of [
        'INSERT INTO uncached.log_lock DEFAULT VALUES',
        'INSERT INTO uncached.log_lock VALUES (false)',
        'UPDATE uncached.log_lock SET single = false',
      ])
        await expect(client.query(statement), statement).rejects.toThrow('constraint');
    });
  });

  test('has a comment for every object, and for every column that does not say the same elsewhere', async () => {
    await withClient(database.config, async (client) => {
      const { rows: objects } = await client.query(`
        SELECT oid::regclass::text AS name FROM pg_class
         WHERE relnamespace = 'uncached'::regnamespace AND relkind = 'r' AND obj_description(oid, 'pg_class') IS NULL
        UNION ALL
        SELECT oid::regprocedure::text FROM pg_proc
         WHERE pronamespace = 'uncached'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL`);
      expect(objects).toEqual([]);
      // A failing row is a copy of a row of the log.
      const { rows: columns } = await client.query(`
        SELECT attrelid::regclass::text || '.' || attname AS name
          FROM pg_attribute
          JOIN pg_class ON pg_class.oid = attrelid
         WHERE relnamespace = 'uncached'::regnamespace AND relkind = 'r' AND attnum > 0
           AND col_description(attrelid, attnum) IS NULL
           AND NOT (relname = 'failing' AND attname IN (SELECT attname FROM pg_attribute WHERE attrelid = 'uncached.log'::regclass))`);
      expect(columns).toEqual([{ name: 'uncached.log_lock.single' }]);
    });
  });
});
