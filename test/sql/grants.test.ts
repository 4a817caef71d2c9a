import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { attach, levels } from './attach.ts';
import { connect } from './connect.ts';
import { freshPortsQueueTables, freshPortsTables } from './freshports.ts';
import { notificationsOf } from './notifications.ts';
import { install } from './sql-file.ts';

/** The daemon's claim. */
const claim = (table: string, key: string) => `
  WITH taken AS (
    DELETE FROM ${table}
     WHERE ctid = ANY (ARRAY(SELECT ctid FROM ${table} LIMIT 10 FOR UPDATE SKIP LOCKED))
    RETURNING ${key}
  )
  INSERT INTO uncached.log (handler, key)
  SELECT DISTINCT 'handler', to_jsonb(taken) FROM taken WHERE (SELECT single FROM uncached.log_lock FOR UPDATE)
  RETURNING key`;

describe('a producer', () => {
  const database = testDatabase();
  let client: Client;
  let producer: string;

  beforeAll(async () => {
    client = await connect(database.config);
    producer = `${database.name}_producer`;
    await client.query(`
      CREATE ROLE ${producer};
      CREATE TABLE ports (category text, port text);
      GRANT INSERT, UPDATE, DELETE, SELECT ON ports TO ${producer}`);
  });
  afterAll(async () => {
    await client.query(`RESET ROLE; DROP OWNED BY ${producer}; DROP ROLE ${producer}`);
    await client.end();
  });

  describe.each(levels)('through a trigger for each %s', (level) => {
    beforeEach(async () => {
      await client.query(`
        RESET ROLE;
        TRUNCATE ports, cache_clearing_ports;
        DROP TRIGGER IF EXISTS enqueue ON ports;
        DROP TRIGGER IF EXISTS enqueue_insert ON ports;
        DROP TRIGGER IF EXISTS enqueue_update ON ports;
        DROP TRIGGER IF EXISTS enqueue_delete ON ports;
        REVOKE ALL ON cache_clearing_ports FROM ${producer}`);
      await attach(client, level, 'ports', ['cache_clearing_ports', 'port_updated', 'category', 'port']);
    });

    test('needs SELECT on the queue table, INSERT on its key columns, and no more', async () => {
      await client.query(
        `GRANT SELECT, INSERT (category, port) ON cache_clearing_ports TO ${producer}; SET ROLE ${producer}`,
      );
      await client.query(`
        INSERT INTO ports VALUES ('www', 'nginx');
        UPDATE ports SET port = 'varnish';
        DELETE FROM ports`);
      await client.query('RESET ROLE');
      const { rows } = await client.query('SELECT port FROM cache_clearing_ports ORDER BY port');
      expect(rows).toEqual([{ port: 'nginx' }, { port: 'varnish' }]);
    });

    test.each(['SELECT', 'INSERT'])('is refused with %s alone', async (right) => {
      await client.query(`GRANT ${right} ON cache_clearing_ports TO ${producer}; SET ROLE ${producer}`);
      await expect(client.query(`INSERT INTO ports VALUES ('www', 'nginx')`)).rejects.toThrow(
        'permission denied for table cache_clearing_ports',
      );
    });
  });

  test.each(['log', 'log_lock', 'log_id_seq', 'consumer', 'failing', 'root', 'daemon'])(
    'has no right on uncached.%s',
    async (name) => {
      await client.query(`SET ROLE ${producer}`);
      await expect(client.query(`TABLE uncached.${name}`)).rejects.toThrow('permission denied for');
    },
  );

  test('may attach its own table', async () => {
    await client.query(`RESET ROLE; ALTER TABLE ports OWNER TO ${producer}; SET ROLE ${producer}`);
    await client.query(`
      CREATE TRIGGER own AFTER INSERT ON ports FOR EACH ROW
        EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port')`);
  });
});

describe('a member of uncached', () => {
  const database = testDatabase();
  let client: Client;
  let member: string;

  beforeAll(async () => {
    client = await connect(database.config);
    member = `${database.name}_member`;
    await client.query(`
      INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx');
      CREATE ROLE ${member} IN ROLE uncached;
      SET ROLE ${member}`);
  });
  afterAll(async () => {
    await client.query(`RESET ROLE; DROP ROLE ${member}`);
    await client.end();
  });

  test('may claim, settle, fail, listen and notify', async () => {
    expect((await client.query('SELECT FROM listen_for')).rowCount).toBe(4);
    expect((await client.query(claim('cache_clearing_ports', 'category, port'))).rows).toEqual([
      { key: { category: 'www', port: 'nginx' } },
    ]);
    await client.query(`
      INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to)
      SELECT 'root', 'files', 'files', 'live', last_value, last_value FROM uncached.log_id_seq;
      INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error)
      SELECT 'root', id, handler, key, claimed_at, 'no' FROM uncached.log;
      UPDATE uncached.failing SET retry_at = now();
      DELETE FROM uncached.failing;
      UPDATE uncached.consumer SET settled_to = settled_to + 1;
      DELETE FROM uncached.consumer`);
    expect((await client.query('DELETE FROM uncached.log RETURNING id')).rowCount).toBe(1);
    expect(
      await notificationsOf(client, 'port_updated', () => client.query('NOTIFY port_updated')),
    ).toHaveLength(1);
  });

  test.each([
    ['cache_clearing_dates', 'date_to_clear'],
    ['cache_clearing_commits', 'commit_to_clear'],
    ['cache_clearing_files', 'pathname'],
  ])('may claim from %s', async (table, key) => {
    expect((await client.query(claim(table, key))).rowCount).toBe(0);
  });

  test.each([
    `UPDATE cache_clearing_ports SET category = 'mail'`,
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx')`,
    'TRUNCATE uncached.log',
    // Appends come one after the other, and no row of the log changes.
    `UPDATE uncached.log SET handler = 'other'`,
    'DELETE FROM uncached.log_lock',
    'TRUNCATE uncached.log_lock',
    `SELECT nextval('uncached.log_id_seq')`,
    `SELECT setval('uncached.log_id_seq', 1)`,
    `UPDATE listen_for SET name = 'other'`,
    'CREATE TABLE uncached.other ()',
  ])('may not %s', async (statement) => {
    await expect(client.query(statement)).rejects.toThrow('permission denied');
  });
});

describe('a member of uncached over FreshPorts', () => {
  const database = testDatabase();
  let client: Client;
  let member: string;

  beforeAll(async () => {
    client = await connect(database.config);
    member = `${database.name}_member`;
    // In a schema that PUBLIC may not use.
    await client.query(`
      CREATE ROLE ${member} IN ROLE uncached;
      CREATE SCHEMA freshports;
      SET search_path = freshports;
      ${freshPortsTables}`);
    await install(client);
    await client.query(`SET ROLE ${member}`);
  });
  afterAll(async () => {
    await client.query(`RESET ROLE; DROP ROLE ${member}`);
    await client.end();
  });

  test.each(freshPortsQueueTables)('may claim from %s', async (table) => {
    expect((await client.query(claim(table, '*'))).rowCount).toBe(1);
  });

  test('may update one column of each queue table and no more', async () => {
    const { rows } = await client.query(
      `
      SELECT string_agg(attname, ',' ORDER BY attrelid::regclass::text) AS columns
        FROM pg_attribute
       WHERE attrelid::regclass::text = ANY ($1) AND attnum > 0
         AND has_column_privilege(attrelid, attnum, 'UPDATE')`,
      [[...freshPortsQueueTables]],
    );
    expect(rows).toEqual([{ columns: 'commit_to_clear,id,id,id' }]);
  });
});
