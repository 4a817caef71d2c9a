import { beforeEach, describe, expect, test } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { attach, levels } from './attach.ts';
import { attachPorts, client, database, queue } from './enqueue.ts';
import { notificationsOf } from './notifications.ts';
import { install } from './sql-file.ts';

describe.each(levels)('uncached.enqueue() for each %s', (level) => {
  beforeEach(() => attachPorts(level));

  test('notifies the channel of each key once a transaction', async () => {
    const heard = await notificationsOf(client, 'port_updated', () =>
      client.query('BEGIN; UPDATE ports SET version = 2; UPDATE ports SET version = 3; COMMIT'),
    );
    expect(heard.map(({ payload }) => payload).sort()).toEqual([
      '{"port": "exim", "category": "mail"}',
      '{"port": "nginx", "category": "www"}',
      '{"port": "varnish", "category": "www"}',
    ]);
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

  test('notifies nobody where the channel is empty, and enqueues all the same', async () => {
    await client.query('CREATE TABLE silent (category text, port text)');
    await attach(client, level, 'silent', ['cache_clearing_ports', '', 'category', 'port']);
    const heard = await notificationsOf(client, 'port_updated', () =>
      client.query(`INSERT INTO silent VALUES ('www', 'nginx')`),
    );
    expect({ heard, queue: await queue() }).toEqual({ heard: [], queue: ['www/nginx'] });
  });

  test.each([
    'UPDATE ports SET version = 2 WHERE false',
    'DELETE FROM ports WHERE false',
    'INSERT INTO ports SELECT * FROM ports WHERE false',
  ])('neither enqueues nor notifies when no row is touched: %s', async (statement) => {
    const heard = await notificationsOf(client, 'port_updated', () => client.query(statement));
    expect({ heard, queue: await queue() }).toEqual({ heard: [], queue: [] });
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
