import { type Client, DatabaseError } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { attach, levels } from './attach.ts';
import { connect } from './connect.ts';
import { freshPortsQueueTables, freshPortsTables } from './freshports.ts';

const database = testDatabase();
let client: Client;

beforeAll(async () => {
  client = await connect(database.config);
});
afterAll(() => client.end());

// Whatever a test makes is gone before the next one.
beforeEach(async () => {
  await client.query(`
    DROP SCHEMA IF EXISTS scratch CASCADE;
    CREATE SCHEMA scratch;
    SET search_path = scratch, public;
    CREATE TABLE source (category text, port text, pathname text, seen date, hash text)`);
});

interface Complaint {
  code: string | undefined;
  message: string;
  hint: string | undefined;
}

/** What PostgreSQL answers to `sql`, which must fail. */
async function complaintOf(sql: string): Promise<Complaint> {
  try {
    await client.query(sql);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { code: error.code, message: error.message, hint: error.hint };
  }
  throw new Error(`Cannot tell the complaint: PostgreSQL has none about ${sql}`);
}

const insert = `INSERT INTO source VALUES ('www', 'nginx', '/ports/head/MOVED', '2026-11-21', 'b1f9d52c')`;

describe('uncached.enqueue() refuses', () => {
  test('TRUNCATE, which tells no keys', async () => {
    await client.query(`
      CREATE TRIGGER emptied AFTER TRUNCATE ON source
        EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port')`);
    expect(await complaintOf('TRUNCATE source')).toEqual({
      code: '0A000',
      message: 'Cannot enqueue from trigger emptied: TRUNCATE does not tell which rows it removes',
      hint: "Use DELETE, or drop the trigger's TRUNCATE and clear the pages by hand.",
    });
  });

  test('a BEFORE trigger, whose change may never come', async () => {
    await client.query(`
      CREATE TRIGGER early BEFORE INSERT ON source FOR EACH ROW
        EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port')`);
    expect(await complaintOf(insert)).toMatchObject({
      code: '39P01',
      message: 'Cannot enqueue from trigger early: it is BEFORE, not AFTER',
    });
  });

  test.each([
    ['INSERT', '', insert, 'NEW TABLE AS new_rows'],
    ['UPDATE', '', 'UPDATE source SET port = port', 'OLD TABLE AS old_rows NEW TABLE AS new_rows'],
    [
      'UPDATE',
      'REFERENCING NEW TABLE AS new_rows',
      'UPDATE source SET port = port',
      'OLD TABLE AS old_rows NEW TABLE AS new_rows',
    ],
    [
      'UPDATE',
      'REFERENCING OLD TABLE AS old_rows',
      'UPDATE source SET port = port',
      'OLD TABLE AS old_rows NEW TABLE AS new_rows',
    ],
    ['DELETE', '', 'DELETE FROM source', 'OLD TABLE AS old_rows'],
  ])('a statement-level trigger for %s with %o', async (event, referencing, statement, wanted) => {
    await client.query(`
      CREATE TRIGGER blind AFTER ${event} ON source ${referencing} FOR EACH STATEMENT
        EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port')`);
    expect(await complaintOf(statement)).toEqual({
      code: '39P01',
      message: 'Cannot enqueue from trigger blind: it does not name its transition tables',
      hint: `Make it FOR EACH ROW, or add REFERENCING ${wanted}.`,
    });
  });
});

describe.each(levels)('uncached.enqueue() for each %s refuses', (level) => {
  test('too few arguments', async () => {
    await attach(client, level, 'source', ['cache_clearing_ports', 'port_updated']);
    expect(await complaintOf(insert)).toMatchObject({
      code: '39P01',
      message: expect.stringMatching(/^Cannot enqueue from trigger enqueue\w*: it has too few arguments$/),
      hint: expect.stringContaining('the queue table, the channel and at least one key column'),
    });
  });

  test('a queue table that does not exist', async () => {
    await attach(client, level, 'source', ['cache_clearing_prots', 'port_updated', 'category', 'port']);
    expect(await complaintOf(insert)).toEqual({
      code: '42P01',
      message: expect.stringMatching(/: there is no queue table cache_clearing_prots$/),
      hint: 'Name the queue table with its schema.',
    });
  });

  test('a column that the queue table does not have', async () => {
    await attach(client, level, 'source', ['cache_clearing_files', 'file_updated', 'Pathname', 'port']);
    expect(await complaintOf(insert)).toEqual({
      code: '42703',
      message: 'Cannot enqueue into public.cache_clearing_files: it has no column port',
      hint: 'Where the names differ, write queue_column=source_column.',
    });
  });

  test('a column that the source does not have', async () => {
    await attach(client, level, 'source', ['cache_clearing_files', 'file_updated', 'pathname=path']);
    expect(await complaintOf(insert)).toMatchObject({
      code: '42703',
      message: expect.stringContaining('"path"'),
    });
  });

  test.each(['source.category', 'a.b=c', 'a=b.c', '"a', '=a', 'a=', ''])(
    '%o for a key column',
    async (argument) => {
      await attach(client, level, 'source', ['cache_clearing_files', 'file_updated', argument]);
      expect(await complaintOf(insert)).toEqual({
        code: '39P01',
        message: expect.stringMatching(/^Cannot enqueue from trigger enqueue\w*: .* is not a key column$/),
        hint: 'Write column, or queue_column=source_column.',
      });
    },
  );

  test('a channel without a name', async () => {
    await attach(client, level, 'source', ['cache_clearing_files', '', 'pathname']);
    expect(await complaintOf(insert)).toMatchObject({ message: 'channel name cannot be empty' });
  });

  test('a unique index that cannot fold: partial, deferrable', async () => {
    await client.query(`
      CREATE TABLE partial (pathname text, xid xid8 DEFAULT pg_current_xact_id(), UNIQUE (xid, pathname) DEFERRABLE);
      CREATE UNIQUE INDEX ON partial (xid, pathname) WHERE pathname <> ''`);
    await attach(client, level, 'source', ['partial', 'file_updated', 'pathname']);
    expect(await complaintOf(insert)).toEqual({
      code: '55000',
      message: 'Cannot enqueue into scratch.partial: it has no UNIQUE (xid, pathname)',
      hint: 'ALTER TABLE scratch.partial ADD UNIQUE (xid, pathname);',
    });
  });

  test('an index that lets only one transaction enqueue a key', async () => {
    await client.query(`
      CREATE TABLE once (LIKE cache_clearing_files INCLUDING ALL);
      CREATE UNIQUE INDEX one ON once (pathname)`);
    await attach(client, level, 'source', ['once', 'file_updated', 'pathname']);
    expect(await complaintOf(insert)).toEqual({
      code: '55000',
      message: 'Cannot enqueue into scratch.once: scratch.one lets only one transaction enqueue a key',
      hint: 'DROP INDEX scratch.one;',
    });
  });

  test('an xid that is not of this transaction', async () => {
    await client.query(`
      CREATE TABLE constant (LIKE cache_clearing_files INCLUDING ALL);
      ALTER TABLE constant ALTER COLUMN xid SET DEFAULT '1'`);
    await attach(client, level, 'source', ['constant', 'file_updated', 'pathname']);
    expect(await complaintOf(insert)).toEqual({
      code: '55000',
      message: 'Cannot enqueue into scratch.constant: its xid does not default to pg_current_xact_id()',
      hint: 'ALTER TABLE scratch.constant ALTER COLUMN xid SET DEFAULT pg_current_xact_id();',
    });
  });

  test('a second queue table that is not like the first, and either once it has lost its constraint', async () => {
    const complaint = (table: string) => ({
      code: '55000',
      message: `Cannot enqueue into scratch.${table}: it has no UNIQUE (xid, pathname)`,
    });
    await client.query(`
      CREATE TABLE good (LIKE cache_clearing_files INCLUDING ALL);
      CREATE TABLE bad (LIKE cache_clearing_files INCLUDING ALL EXCLUDING INDEXES);
      CREATE TABLE second (pathname text)`);
    await attach(client, level, 'source', ['good', 'file_updated', 'pathname']);
    await attach(client, level, 'second', ['bad', 'file_updated', 'pathname']);
    await client.query(`BEGIN; ${insert}`);
    expect(await complaintOf(`INSERT INTO second VALUES ('/ports/head/MOVED')`)).toMatchObject(
      complaint('bad'),
    );
    await client.query(`ROLLBACK; ${insert}; ALTER TABLE good DROP CONSTRAINT good_xid_pathname_key`);
    expect(await complaintOf(insert)).toMatchObject(complaint('good'));
  });

  test('no queue table for an index that is not unique', async () => {
    await client.query(`
      CREATE TABLE indexed (LIKE cache_clearing_files INCLUDING ALL);
      CREATE INDEX ON indexed (pathname)`);
    await attach(client, level, 'source', ['indexed', 'file_updated', 'pathname']);
    await client.query(insert);
    expect((await client.query('SELECT FROM indexed')).rowCount).toBe(1);
  });

  test('the queue table of a rolled back savepoint: it looks again', async () => {
    await client.query('CREATE TABLE later (pathname text)');
    await attach(client, level, 'source', ['later', 'file_updated', 'pathname']);
    await client.query('BEGIN; SAVEPOINT here');
    await client.query(
      'ALTER TABLE later ADD xid xid8 DEFAULT pg_current_xact_id(), ADD UNIQUE (xid, pathname)',
    );
    await client.query(insert);
    await client.query('ROLLBACK TO here');
    expect(await complaintOf(insert)).toMatchObject({ code: '55000' });
    await client.query('ROLLBACK');
  });
});

describe('uncached.enqueue() over the queue tables of FreshPorts', () => {
  const columns: Record<(typeof freshPortsQueueTables)[number], string[]> = {
    cache_clearing_ports: ['category', 'port'],
    cache_clearing_dates: ['date_to_clear=seen'],
    cache_clearing_commits: ['commit_to_clear=hash'],
    cache_clearing_files: ['pathname'],
  };

  beforeEach(async () => {
    await client.query(freshPortsTables);
  });

  test.each(freshPortsQueueTables)(
    '%s: names what is missing, and does once the hint was followed',
    async (table) => {
      const queueTable = `scratch.${table}`;
      await attach(client, 'row', 'source', [queueTable, 'changed', ...columns[table]]);

      const { code, message, hint } = await complaintOf(insert);
      expect({ code, message }).toEqual({
        code: '55000',
        message: expect.stringMatching(
          `^Cannot enqueue into ${queueTable}: it has no column xid; .*it has no UNIQUE`,
        ),
      });
      await client.query(hint ?? 'the hint is missing');
      // A port_id that is NOT NULL is beyond the trigger, which does not know it.
      if (table === 'cache_clearing_ports')
        await client.query(`ALTER TABLE ${table} ALTER port_id DROP NOT NULL`);

      await client.query(`${insert}; ${insert}`);
      await client.query(insert);
      const { rows } = await client.query(`SELECT count(*)::int FROM ${table} WHERE xid IS NOT NULL`);
      expect(rows).toEqual([{ count: 2 }]);
    },
  );
});
