import { beforeEach, describe, expect, test } from 'vitest';
import { logSql } from '../../src/postgres/sql-files.ts';
import { withClient } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { within } from '../postgres/within.ts';
import { attach, attachNotify } from './attach.ts';
import { catalog } from './catalog.ts';
import { install, uninstall } from './sql-file.ts';
import { journal01 } from './version-0.1.ts';

// The role stays, because the template database of the test run needs it. versions.test.ts tests its removal.
describe('uninstall.sql', () => {
  const database = testDatabase();

  beforeEach(async () => {
    await withClient(database.config, async (client) => {
      await install(client);
      await client.query(`
        DROP TABLE IF EXISTS ports;
        CREATE TABLE ports (category text, port text);
        TRUNCATE uncached.log, uncached.failing, uncached.consumer RESTART IDENTITY`);
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
      expect(remarks.filter(({ message }) => !message.startsWith('Keeping role uncached: '))).toEqual([]);
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

      await attachNotify(client, 'row', 'ports', ['port_updated', 'port']);

      const remarks = await uninstall(client);

      expect(remarks).toContainEqual({
        severity: 'NOTICE',
        message: expect.stringContaining(`EXECUTE FUNCTION uncached.notify('port_updated', 'port')`),
      });
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

  const claim = `INSERT INTO uncached.log (handler, key) VALUES ('listen_port', '{}')`;
  const consumer = (state: string, settledTo: number) =>
    `INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to)
     VALUES ('${state}', 'files', 'files', '${state}', ${settledTo}, ${settledTo})`;
  const fails = (of: string, more = '') =>
    `INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, invalid)
     VALUES ('${of}', 1, 'listen_port', '{}', now(), 'e', ${more === '' ? 'false' : 'true'})`;

  test.each([
    ['nobody has cleared what was claimed', [claim], 1],
    ['a cache has not settled it', [claim, claim, consumer('live', 1)], 1],
    ['a cache is being wiped', [claim, claim, consumer('live', 2), consumer('wiping', 0)], 2],
    ['it fails somewhere', [claim, consumer('live', 1), fails('live')], 1],
    ['it fails and is not settled either', [claim, consumer('live', 0), fails('live')], 1],
    [
      'version 0.1 has claimed it',
      [journal01, `INSERT INTO uncached.journal (handler, key) VALUES ('h', '{}')`],
      1,
    ],
  ])('refuses while %s, and changes nothing', async (_what, statements, count) => {
    await withClient(database.config, async (client) => {
      for (const statement of statements) await client.query(statement);
      const before = await catalog(client);

      await expect(uninstall(client)).rejects.toMatchObject({
        code: '55000',
        message: `Cannot uninstall uncached: keys that are not settled: ${count}`,
        hint: expect.stringContaining('Run uncached drain'),
      });

      expect(await catalog(client)).toEqual(before);
      await client.query('DROP TABLE IF EXISTS uncached.journal');
    });
  });

  test.each([
    ['is settled everywhere', [claim, consumer('live', 1)]],
    [
      'is not where a cache has expired',
      [claim, consumer('live', 1), consumer('expired', 0), fails('expired')],
    ],
    ['fails where a cache was forgotten', [claim, consumer('live', 1), fails('gone')]],
    ['has an invalid key, and was settled', [claim, consumer('live', 1), fails('live', 'invalid')]],
    ['was claimed by version 0.1, and moved', [journal01, logSql()]],
    ['was claimed by version 0.1, and settled', [journal01]],
  ])('does its work when what was claimed %s', async (_what, statements) => {
    await withClient(database.config, async (client) => {
      for (const statement of statements) await client.query(statement);
      await uninstall(client);
      expect((await catalog(client)).filter((line) => line.includes('uncached'))).toEqual([]);
    });
  });

  test('waits for a claim that is being made, and then refuses', async () => {
    await withClient(database.config, async (daemon) => {
      await daemon.query(`BEGIN; ${claim}`);
      await withClient(database.config, async (client) => {
        // It must see the rows that were committed while it waited.
        await client.query(`SET default_transaction_isolation = 'repeatable read'`);
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
