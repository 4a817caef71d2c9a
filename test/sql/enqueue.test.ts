import { beforeEach, describe, expect, test } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { attach, levels } from './attach.ts';
import { attachPorts, clearQueue, client, database, queue } from './enqueue.ts';
import { notificationsOf } from './notifications.ts';

describe.each(levels)('uncached.enqueue() for each %s', (level) => {
  beforeEach(() => attachPorts(level));

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

  test('undoes with a savepoint what it enqueued after it, and enqueues it again', async () => {
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
});
