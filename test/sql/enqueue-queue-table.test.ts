import { beforeEach, describe, expect, test } from 'vitest';
import { attach, levels } from './attach.ts';
import { client, complaintOf, insert } from './enqueue-errors.ts';
import { freshPortsQueueTables, freshPortsTables } from './freshports.ts';

describe.each(levels)('uncached.enqueue() for each %s refuses', (level) => {
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
