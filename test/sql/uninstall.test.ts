import { beforeEach, describe, expect, test } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { within } from '../postgres/within.ts';
import { attach } from './attach.ts';
import { catalog } from './catalog.ts';
import { install, uninstall } from './sql-file.ts';

// The role stays, because the template database of the test run needs it. versions.test.ts tests its removal.
describe('uninstall.sql', () => {
  const database = testDatabase();

  beforeEach(async () => {
    await withClient(database.config, async (client) => {
      await install(client);
      await client.query(`
        DROP TABLE IF EXISTS ports;
        CREATE TABLE ports (category text, port text);
        TRUNCATE uncached.journal`);
    });
  });

  test('leaves no trace but listen_for and the queue tables with their rows, and may run again', async () => {
    await withClient(database.config, async (client) => {
      await client.query(`
        INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx');
        CREATE TABLE own_queue (id integer);
        GRANT SELECT, DELETE, UPDATE (id) ON own_queue TO uncached;
        CREATE SCHEMA own;
        GRANT USAGE ON SCHEMA own TO uncached`);

      await uninstall(client);

      const left = await catalog(client);
      expect(left.filter((line) => line.includes('uncached'))).toEqual([]);
      for (const table of [
        'listen_for',
        'cache_clearing_dates',
        'cache_clearing_commits',
        'cache_clearing_files',
      ]) {
        expect(left.filter((line) => line.startsWith(`relation | ${table} |`))).toHaveLength(1);
      }
      expect((await client.query('SELECT FROM cache_clearing_ports')).rowCount).toBe(1);
      const { rows } = await client.query(`SELECT has_schema_privilege('uncached', 'own', 'USAGE') AS kept`);
      expect(rows).toEqual([{ kept: false }]);

      const remarks = await uninstall(client);
      expect(await catalog(client)).toEqual(left);
      expect(remarks.filter(({ severity }) => severity !== 'NOTICE')).toEqual([]);
    });
  });

  test('says how to restore each trigger that it drops', async () => {
    await withClient(database.config, async (client) => {
      await attach(client, 'row', 'ports', [
        'public.cache_clearing_ports',
        'port_updated',
        'category',
        'port',
      ]);

      const remarks = await uninstall(client);

      expect(remarks).toContainEqual({
        severity: 'NOTICE',
        message:
          'Dropping trigger enqueue on public.ports, which was: CREATE TRIGGER enqueue AFTER INSERT OR DELETE OR UPDATE ON ' +
          "public.ports FOR EACH ROW EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_ports', " +
          "'port_updated', 'category', 'port')",
      });
      await client.query(`INSERT INTO ports VALUES ('www', 'nginx')`);
    });
  });

  test('drops the trigger of a partitioned table with those of its partitions', async () => {
    await withClient(database.config, async (client) => {
      await client.query(`
        CREATE TABLE parts (category text, port text) PARTITION BY LIST (category);
        CREATE TABLE parts_rest PARTITION OF parts DEFAULT`);
      await attach(client, 'row', 'parts', ['cache_clearing_ports', 'port_updated', 'category', 'port']);
      await uninstall(client);
      await client.query(`INSERT INTO parts VALUES ('www', 'nginx')`);
    });
  });

  test('refuses while the journal has rows, and changes nothing', async () => {
    await withClient(database.config, async (client) => {
      await client.query(`INSERT INTO uncached.journal (handler, key) VALUES ('listen_port', '{}')`);
      const before = await catalog(client);

      await expect(uninstall(client)).rejects.toMatchObject({
        code: '55000',
        message: 'Cannot uninstall uncached: rows of uncached.journal not settled: 1',
        hint: expect.stringContaining('Run uncached drain'),
      });

      expect(await catalog(client)).toEqual(before);
    });
  });

  test('waits for a claim that is being made, and then refuses', async () => {
    await withClient(database.config, async (daemon) => {
      await daemon.query(`BEGIN; INSERT INTO uncached.journal (handler, key) VALUES ('listen_port', '{}')`);
      await withClient(database.config, async (client) => {
        const refused = expect(uninstall(client)).rejects.toMatchObject({ code: '55000' });
        await within(100_000, 'see uninstall.sql wait for the claim', async (signal) => {
          const waiting =
            'SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))';
          while ((await daemon.query(waiting)).rowCount === 0) signal.throwIfAborted();
        });
        await daemon.query('COMMIT');
        await refused;
      });
    });
  });

  test('refuses to drop what somebody else has put into the schema', async () => {
    await withClient(database.config, async (client) => {
      await client.query('CREATE TABLE uncached.theirs ()');
      await expect(uninstall(client)).rejects.toMatchObject({ code: '2BP01' });
      await client.query('DROP TABLE uncached.theirs');
    });
  });

  test('keeps the role while another database needs it, and says so', async () => {
    const another = await createDatabase(database.config);
    try {
      await withClient(another.config, install);
      await withClient(database.config, async (client) => {
        const remarks = await uninstall(client);
        expect(remarks).toContainEqual({
          severity: 'NOTICE',
          message: expect.stringMatching(/^Keeping role uncached: .*objects? in database/),
        });
        expect((await client.query(`SELECT FROM pg_roles WHERE rolname = 'uncached'`)).rowCount).toBe(1);
      });
    } finally {
      await another.drop();
    }
  });
});
