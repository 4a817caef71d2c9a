import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { attach, levels } from './attach.ts';
import { connect } from './connect.ts';
import { notificationsOf } from './notifications.ts';
import { install } from './sql-file.ts';

const database = testDatabase();
let client: Client;

beforeAll(async () => {
  client = await connect(database.config);
});
afterAll(() => client.end());

/** The queue as 'category/port' of each entry, in order. */
async function queue(): Promise<string[]> {
  const { rows } = await client.query<{ category: string | null; port: string | null }>(
    'SELECT category, port FROM public.cache_clearing_ports',
  );
  return rows.map(({ category, port }) => `${category ?? 'NULL'}/${port ?? 'NULL'}`).sort();
}

async function clearQueue(): Promise<void> {
  await client.query('TRUNCATE public.cache_clearing_ports');
}

// Whatever a test makes is gone before the next one.
beforeEach(async () => {
  await client.query(`
    ROLLBACK;
    RESET ALL;
    DROP SCHEMA IF EXISTS scratch CASCADE;
    CREATE SCHEMA scratch;
    SET search_path = scratch, public`);
});

describe.each(levels)('uncached.enqueue() for each %s', (level) => {
  beforeEach(async () => {
    await client.query(`
      CREATE TABLE ports (id integer PRIMARY KEY, category text, name text, version integer DEFAULT 1);
      INSERT INTO ports VALUES (1, 'www', 'nginx'), (2, 'www', 'varnish'), (3, 'mail', 'exim')`);
    await attach(client, level, 'ports', ['cache_clearing_ports', 'port_updated', 'category', 'port=name']);
    await clearQueue();
  });

  test('enqueues the key of an inserted row', async () => {
    await client.query(`INSERT INTO ports VALUES (4, 'lang', 'perl5')`);
    expect(await queue()).toEqual(['lang/perl5']);
  });

  test('enqueues the key of a deleted row', async () => {
    await client.query('DELETE FROM ports WHERE id = 1');
    expect(await queue()).toEqual(['www/nginx']);
  });

  test('enqueues the old and the new key of an update', async () => {
    await client.query(`UPDATE ports SET category = 'net' WHERE id = 1`);
    expect(await queue()).toEqual(['net/nginx', 'www/nginx']);
  });

  test('enqueues a key that an update leaves as it is once', async () => {
    await client.query('UPDATE ports SET version = 2 WHERE id = 1');
    expect(await queue()).toEqual(['www/nginx']);
  });

  test('enqueues every row of a statement', async () => {
    await client.query('UPDATE ports SET version = 2');
    expect(await queue()).toEqual(['mail/exim', 'www/nginx', 'www/varnish']);
  });

  test('folds the duplicates of a transaction', async () => {
    await client.query(`
      BEGIN;
      INSERT INTO ports VALUES (4, 'www', 'nginx'), (5, 'www', 'nginx');
      UPDATE ports SET version = 2 WHERE name = 'nginx';
      DELETE FROM ports WHERE id = 4;
      COMMIT`);
    expect(await queue()).toEqual(['www/nginx']);
  });

  test('enqueues the same key again in the next transaction', async () => {
    await client.query('UPDATE ports SET version = 2 WHERE id = 1');
    await client.query('UPDATE ports SET version = 3 WHERE id = 1');
    expect(await queue()).toEqual(['www/nginx', 'www/nginx']);
  });

  test('neither waits for nor relies on the entry of an open transaction', async () => {
    await client.query(`INSERT INTO ports VALUES (4, 'www', 'nginx')`);
    await clearQueue();
    await withClient(database.config, async (other) => {
      await other.query('BEGIN; UPDATE scratch.ports SET version = 2 WHERE id = 4');
      await client.query(
        `SET lock_timeout = '1ms'; UPDATE ports SET version = 2 WHERE id = 1; RESET lock_timeout`,
      );
      expect(await queue()).toEqual(['www/nginx']);
      await other.query('COMMIT');
    });
    expect(await queue()).toEqual(['www/nginx', 'www/nginx']);
  });

  test('neither waits for nor relies on an entry that is being claimed', async () => {
    await client.query('UPDATE ports SET version = 2 WHERE id = 1');
    await withClient(database.config, async (daemon) => {
      await daemon.query('BEGIN; DELETE FROM cache_clearing_ports');
      await client.query(
        `SET lock_timeout = '1ms'; UPDATE ports SET version = 3 WHERE id = 1; RESET lock_timeout`,
      );
      await daemon.query('COMMIT');
    });
    expect(await queue()).toEqual(['www/nginx']);
  });

  test.each(['REPEATABLE READ', 'SERIALIZABLE'])(
    'enqueues in a transaction that is %s',
    async (isolation) => {
      await client.query(`
      BEGIN ISOLATION LEVEL ${isolation};
      UPDATE ports SET version = 2 WHERE id = 1;
      UPDATE ports SET version = 3 WHERE id = 1;
      COMMIT`);
      expect(await queue()).toEqual(['www/nginx']);
    },
  );

  test('takes back with a savepoint what it enqueued after it, and enqueues it anew', async () => {
    await client.query(`
      BEGIN;
      UPDATE ports SET version = 2 WHERE id = 1;
      SAVEPOINT here;
      UPDATE ports SET version = 2 WHERE id IN (2, 3);
      ROLLBACK TO here;
      UPDATE ports SET version = 3 WHERE id = 3;
      COMMIT`);
    expect(await queue()).toEqual(['mail/exim', 'www/nginx']);
  });

  test('enqueues nothing with a transaction that is rolled back, and does not notify', async () => {
    const heard = await notificationsOf(client, 'port_updated', () =>
      client.query('BEGIN; UPDATE ports SET version = 2; ROLLBACK'),
    );
    expect({ heard, queue: await queue() }).toEqual({ heard: [], queue: [] });
  });

  test('enqueues a NULL key rather than refuse the change', async () => {
    await client.query(`INSERT INTO ports VALUES (4, 'lang', NULL)`);
    expect(await queue()).toEqual(['lang/NULL']);
  });

  test('enqueues the old and the new of keys that only the source takes for equal', async () => {
    await client.query(`
      CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
      ALTER TABLE ports ALTER COLUMN name TYPE text COLLATE caseless`);
    await client.query(`UPDATE ports SET name = 'NGINX' WHERE id = 1`);
    expect(await queue()).toEqual(['www/NGINX', 'www/nginx']);
  });

  test('notifies the channel once a transaction, with an empty payload', async () => {
    const heard = await notificationsOf(client, 'port_updated', () =>
      client.query('BEGIN; UPDATE ports SET version = 2; UPDATE ports SET version = 3; COMMIT'),
    );
    expect(heard.map(({ payload }) => payload)).toEqual(['']);
  });

  test('notifies even if another producer has enqueued the key in silence', async () => {
    const heard = await notificationsOf(client, 'port_updated', () =>
      client.query(`
        BEGIN;
        INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx');
        UPDATE ports SET version = 2 WHERE id = 1;
        COMMIT`),
    );
    expect({ heard: heard.length, queue: await queue() }).toEqual({ heard: 1, queue: ['www/nginx'] });
  });

  test.each([
    'UPDATE ports SET version = 2 WHERE false',
    'DELETE FROM ports WHERE false',
    'INSERT INTO ports SELECT * FROM ports WHERE false',
  ])('neither enqueues nor notifies when no row is touched: %s', async (statement) => {
    const heard = await notificationsOf(client, 'port_updated', () => client.query(statement));
    expect({ heard, queue: await queue() }).toEqual({ heard: [], queue: [] });
  });

  test('enqueues both halves of INSERT ON CONFLICT DO UPDATE', async () => {
    await client.query(`
      INSERT INTO ports VALUES (1, 'net', 'nginx'), (4, 'lang', 'perl5')
        ON CONFLICT (id) DO UPDATE SET category = EXCLUDED.category`);
    expect(await queue()).toEqual(['lang/perl5', 'net/nginx', 'www/nginx']);
  });

  test('enqueues the rows of a partitioned table, and both keys of one that moves', async () => {
    await client.query(`
      CREATE TABLE parts (category text, name text) PARTITION BY LIST (category);
      CREATE TABLE parts_www PARTITION OF parts FOR VALUES IN ('www');
      CREATE TABLE parts_rest PARTITION OF parts DEFAULT`);
    await attach(client, level, 'parts', ['cache_clearing_ports', 'port_updated', 'category', 'port=name']);
    await client.query(`INSERT INTO parts VALUES ('www', 'nginx')`);
    await clearQueue();
    await client.query(`UPDATE parts SET category = 'net'`);
    expect(await queue()).toEqual(['net/nginx', 'www/nginx']);
  });

  test('converts a source column as an assignment does', async () => {
    await client.query(`
      CREATE TABLE commits (id integer, committed_at timestamp);
      TRUNCATE cache_clearing_dates`);
    await attach(client, level, 'commits', [
      'cache_clearing_dates',
      'date_updated',
      'date_to_clear=committed_at',
    ]);
    await client.query(`INSERT INTO commits VALUES (1, '2026-11-21 10:00'), (2, '2026-11-21 11:00')`);
    const { rows } = await client.query('SELECT date_to_clear::text FROM cache_clearing_dates');
    expect(rows).toEqual([{ date_to_clear: '2026-11-21' }]);
  });

  test('enqueues into two queue tables from one table', async () => {
    await client.query('CREATE TABLE second_queue (LIKE cache_clearing_ports INCLUDING ALL)');
    await client.query('CREATE TABLE two (category text, port text)');
    await attach(client, level, 'two', ['cache_clearing_ports', 'port_updated', 'category', 'port']);
    await client.query(`
      CREATE TRIGGER second AFTER INSERT ON two FOR EACH ROW
        EXECUTE FUNCTION uncached.enqueue('second_queue', 'port_updated', 'port', 'category')`);
    await client.query('ALTER TABLE second_queue ADD UNIQUE (xid, port, category)');
    await client.query(`INSERT INTO two VALUES ('www', 'nginx'), ('mail', 'exim')`);
    const { rows } = await client.query('SELECT category, port FROM second_queue ORDER BY category');
    expect({ rows, queue: await queue() }).toEqual({
      rows: [
        { category: 'mail', port: 'exim' },
        { category: 'www', port: 'nginx' },
      ],
      queue: ['mail/exim', 'www/nginx'],
    });
  });

  test('takes names as SQL does: quoted, with capitals, dots, quotes and equals signs, or folded', async () => {
    await client.query(`
      DROP SCHEMA IF EXISTS "Odd.Schema" CASCADE;
      CREATE SCHEMA "Odd.Schema";
      CREATE TABLE "Odd.Schema"."Queue ""of"" = All" (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        "Cat.Egory" text,
        "a=""b""" text,
        plain text,
        xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
        UNIQUE (xid, "Cat.Egory", "a=""b""", plain)
      );
      CREATE TABLE "Odd.Schema"."Source" ("Cat.Egory" text, "No; DROP" text, plain text)`);
    await attach(client, level, '"Odd.Schema"."Source"', [
      '"Odd.Schema"."Queue ""of"" = All"',
      'port_updated',
      '"Cat.Egory"',
      '"a=""b""" = "No; DROP"',
      ' PLAIN ',
    ]);
    await client.query(`
      INSERT INTO "Odd.Schema"."Source" VALUES ('A', 'B', 'C');
      UPDATE "Odd.Schema"."Source" SET "No; DROP" = 'b'`);
    const { rows } = await client.query(
      `SELECT "Cat.Egory" AS a, "a=""b""" AS b, plain AS c FROM "Odd.Schema"."Queue ""of"" = All" ORDER BY id`,
    );
    expect(rows).toEqual([
      { a: 'A', b: 'B', c: 'C' },
      { a: 'A', b: 'b', c: 'C' },
    ]);
  });

  test.each([
    ['Port_Updated', 'port_updated'],
    ['Häfen', 'häfen'],
    ['ÄPFEL', 'Äpfel'],
    [`${'Ä'.repeat(31)}bÄÄ`, `${'Ä'.repeat(31)}b`],
    [`${'X'.repeat(70)}`, `${'x'.repeat(63)}`],
    ['two words', 'two words'],
  ])('notifies %s as PostgreSQL folds it: %s', async (channel, folded) => {
    await client.query('CREATE TABLE channels (category text, port text)');
    await attach(client, level, 'channels', ['cache_clearing_ports', channel, 'category', 'port']);
    const heard = await notificationsOf(client, folded, () =>
      client.query(`INSERT INTO channels VALUES ('www', 'nginx')`),
    );
    expect(heard.map((notification) => notification.channel)).toEqual([folded]);
  });

  test('is not led astray by the functions and operators of a caller', async () => {
    await client.query('DROP SCHEMA IF EXISTS hostile CASCADE; CREATE SCHEMA hostile');
    for (const [signature, result] of [
      ['format(text, name)', 'text'],
      ['format(text, oid)', 'text'],
      ['array_append(name[], name)', 'name[]'],
      ['array_append(text[], text)', 'text[]'],
      ['array_prepend(text, name[])', 'name[]'],
      ['array_to_string(text[], text)', 'text'],
      ['cardinality(name[])', 'integer'],
      ['contained(smallint[], smallint[])', 'boolean'],
    ]) {
      await client.query(
        `CREATE FUNCTION hostile.${signature} RETURNS ${result} LANGUAGE plpgsql AS 'BEGIN RAISE ''trapped''; END'`,
      );
    }
    await client.query(`
      CREATE OPERATOR hostile.<@ (LEFTARG = smallint[], RIGHTARG = smallint[], FUNCTION = hostile.contained);
      SET search_path = hostile, scratch, public`);
    await client.query('UPDATE ports SET version = 2 WHERE id = 1');
    expect(await queue()).toEqual(['www/nginx']);
  });

  test('finds a queue table that is named with its schema whatever the search_path', async () => {
    await client.query('CREATE TABLE qualified (category text, port text)');
    await attach(client, level, 'qualified', [
      'public.cache_clearing_ports',
      'port_updated',
      'category',
      'port',
    ]);
    await client.query(`
      CREATE TEMP TABLE cache_clearing_ports (LIKE public.cache_clearing_ports INCLUDING ALL);
      SET search_path = '';
      INSERT INTO scratch.qualified VALUES ('www', 'nginx');
      DROP TABLE pg_temp.cache_clearing_ports`);
    expect(await queue()).toEqual(['www/nginx']);
  });
});

describe('uncached.enqueue() for each statement', () => {
  test('reads the transition tables by the names that the trigger gives them', async () => {
    await client.query(`
      TRUNCATE cache_clearing_ports;
      CREATE TABLE renamed (category text, port text);
      CREATE TABLE old_rows (category text, port text);
      INSERT INTO old_rows VALUES ('not', 'this');
      INSERT INTO renamed VALUES ('www', 'nginx');
      CREATE TRIGGER enqueue AFTER UPDATE ON renamed
        REFERENCING OLD TABLE AS "Before" NEW TABLE AS "After"
        FOR EACH STATEMENT EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port');
      UPDATE renamed SET port = 'varnish'`);
    expect(await queue()).toEqual(['www/nginx', 'www/varnish']);
  });

  test('names the schema of every function it calls', async () => {
    const { rows } = await client.query<{ prosrc: string }>(
      `SELECT prosrc FROM pg_proc WHERE oid = 'uncached.enqueue()'::regprocedure`,
    );
    const code = rows[0]?.prosrc.replaceAll(/--.*|'(?:[^']|'')*'/g, '') ?? '';
    expect(code).toContain('pg_catalog.format(');
    expect(code.match(/(?<![.\w])[a-z]\w*(?=\()/g)).toBeNull();
  });
});

describe('uncached.enqueue() where the database lower-cases more than ASCII', () => {
  test('folds a channel as PostgreSQL folds a name all the same', async ({ skip }) => {
    const { rows } = await client.query<{ icu: boolean }>(
      `SELECT current_setting('server_version_num')::int >= 150000 AS icu`,
    );
    if (rows[0]?.icu !== true) skip('PostgreSQL 14 has no databases of the provider icu');
    const name = `${database.name}_icu`;
    await client.query(
      `CREATE DATABASE ${name} TEMPLATE template0 ENCODING UTF8 LOCALE_PROVIDER icu ICU_LOCALE 'en' LOCALE 'C'`,
    );
    try {
      await withClient({ ...database.config, database: name }, async (icu) => {
        await install(icu);
        await icu.query('CREATE TABLE source (pathname text)');
        await attach(icu, 'row', 'source', ['cache_clearing_files', 'ÄPFEL', 'pathname']);
        expect((await icu.query(`SELECT lower('Ä')`)).rows).toEqual([{ lower: 'ä' }]);
        const heard = await notificationsOf(icu, 'Äpfel', () =>
          icu.query(`INSERT INTO source VALUES ('MOVED')`),
        );
        expect(heard).toHaveLength(1);
      });
    } finally {
      await client.query(`DROP DATABASE ${name}`);
    }
  });
});
