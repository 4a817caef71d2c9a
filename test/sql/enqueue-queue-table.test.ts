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
      message:
        'Cannot enqueue into scratch.partial: ' +
        'scratch.partial_xid_pathname_key is partial or deferrable, and cannot fold; ' +
        'scratch.partial_xid_pathname_idx is partial or deferrable, and cannot fold',
      hint: 'DROP INDEX scratch.partial_xid_pathname_idx; ALTER TABLE scratch.partial DROP CONSTRAINT partial_xid_pathname_key;',
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

  test('a second queue table that is not like the first, and either once it has got another index', async () => {
    const complaint = (table: string) => ({
      code: '55000',
      message: `Cannot enqueue into scratch.${table}: scratch.${table}_pathname_idx lets only one transaction enqueue a key`,
    });
    await client.query(`
      CREATE TABLE good (LIKE cache_clearing_files INCLUDING ALL);
      CREATE TABLE bad (LIKE cache_clearing_files INCLUDING ALL);
      CREATE UNIQUE INDEX ON bad (pathname);
      CREATE TABLE second (pathname text)`);
    await attach(client, level, 'source', ['good', 'file_updated', 'pathname']);
    await attach(client, level, 'second', ['bad', 'file_updated', 'pathname']);
    await client.query(`BEGIN; ${insert}`);
    expect(await complaintOf(`INSERT INTO second VALUES ('/ports/head/MOVED')`)).toMatchObject(
      complaint('bad'),
    );
    await client.query(`ROLLBACK; ${insert}; CREATE UNIQUE INDEX ON good (pathname)`);
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

  test('no queue table for the quotes that its session wants around all names', async () => {
    await client.query('CREATE TABLE good (LIKE cache_clearing_files INCLUDING ALL)');
    await attach(client, level, 'source', ['good', 'file_updated', 'pathname']);
    await client.query(`SET quote_all_identifiers = on; ${insert}; RESET quote_all_identifiers`);
    expect((await client.query('SELECT FROM good')).rowCount).toBe(1);
  });

  test('the queue table of a rolled back savepoint: it looks again', async () => {
    await client.query('CREATE TABLE later (pathname text UNIQUE)');
    await attach(client, level, 'source', ['later', 'file_updated', 'pathname']);
    await client.query('BEGIN; SAVEPOINT here');
    await client.query('ALTER TABLE later DROP CONSTRAINT later_pathname_key');
    await client.query(insert);
    await client.query('ROLLBACK TO here');
    expect(await complaintOf(insert)).toMatchObject({ code: '55000' });
    await client.query('ROLLBACK');
  });
});

describe.each(levels)('uncached.enqueue() for each %s needs no UNIQUE (xid, key)', (level) => {
  test('and then folds what one statement changes', async () => {
    await client.query(
      'CREATE TABLE plain (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, category text, port text)',
    );
    await attach(client, level, 'source', ['plain', 'port_updated', 'category', 'port']);
    await client.query(`
      INSERT INTO source VALUES ('www', 'nginx'), ('www', NULL);
      TRUNCATE plain;
      UPDATE source SET seen = now();
      UPDATE source SET port = 'Nginx' WHERE port = 'nginx';
      DELETE FROM source WHERE port = 'Nginx'`);
    const { rows } = await client.query('SELECT category, port FROM plain ORDER BY id');
    expect(rows.map(({ category, port }) => `${category}/${port}`).sort()).toEqual(
      ['www/nginx', 'www/null', 'www/Nginx', 'www/nginx', 'www/Nginx'].sort(),
    );
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
    '%s: names what stands in the way, and does once the hint was followed',
    async (table) => {
      const queueTable = `scratch.${table}`;
      await attach(client, 'row', 'source', [queueTable, 'changed', ...columns[table]]);

      // The dates have no unique index, which is correct.
      if (table !== 'cache_clearing_dates') {
        const { code, message, hint } = await complaintOf(insert);
        expect({ code, message }).toEqual({
          code: '55000',
          message: expect.stringMatching(
            `^Cannot enqueue into ${queueTable}: scratch.${table}_\\w+ lets only one transaction enqueue a key$`,
          ),
        });
        await client.query(hint ?? 'the hint is missing');
      }
      // The trigger does not know port_id, so it cannot fill it when it is NOT NULL.
      if (table === 'cache_clearing_ports')
        await client.query(`ALTER TABLE ${table} ALTER port_id DROP NOT NULL`);

      const count = async () => (await client.query(`SELECT FROM ${table}`)).rowCount ?? 0;
      const before = await count();
      await client.query(insert);
      await client.query(insert);
      expect((await count()) - before).toBe(2);
    },
  );
});
