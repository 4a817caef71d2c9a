import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { attach } from './attach.ts';
import { client, complaintOf } from './enqueue-errors.ts';
import { notificationsOf } from './notifications.ts';

const enqueue = (key: string, { queue = 'queue', channel = 'Port_Updated' } = {}) =>
  `SELECT uncached.enqueue_key('${queue}', '${channel}', '${key}')`;

async function entries(queue = 'queue'): Promise<unknown[]> {
  const { rows } = await client.query(`SELECT category, "Port" AS port FROM ${queue} ORDER BY id`);
  return rows.map(({ category, port }) => [category, port?.length > 99 ? port.length : port]);
}

const made = (name: string, unique: string) => `
  CREATE TABLE ${name} (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    category   text,
    "Port"     text,
    date_added timestamptz NOT NULL DEFAULT clock_timestamp(),
    xid        xid8 NOT NULL DEFAULT pg_current_xact_id()
    ${unique})`;

beforeEach(async () => {
  await client.query(made('queue', ', UNIQUE (xid, category, "Port")'));
});
afterEach(async () => {
  await client.query('ROLLBACK; RESET ROLE');
});

describe('uncached.enqueue_key()', () => {
  test('enqueues a key once in each transaction, in whatever order its columns are written', async () => {
    await client.query(`
      BEGIN;
      ${enqueue('{"category": "www", "Port": "nginx"}')};
      ${enqueue('{"Port": "nginx", "category": "www"}')};
      ${enqueue('{"Port": "exim", "category": "mail"}')};
      COMMIT`);
    await client.query(enqueue('{"category": "www", "Port": "nginx"}'));
    expect(await entries()).toEqual([
      ['www', 'nginx'],
      ['mail', 'exim'],
      ['www', 'nginx'],
    ]);
  });

  test('is folded with the entries of a trigger in the same transaction', async () => {
    await client.query('CREATE TABLE ports (category text, port text)');
    await attach(client, 'row', 'ports', ['queue', 'port_updated', 'category', '"Port"=port']);
    await client.query(`
      BEGIN;
      INSERT INTO ports VALUES ('www', 'nginx');
      ${enqueue('{"category": "www", "Port": "nginx"}')};
      COMMIT`);
    expect(await entries()).toEqual([['www', 'nginx']]);
  });

  test('notifies the channel as PostgreSQL folds it, once a transaction, also where the entry is there', async () => {
    const key = '{"category": "www", "Port": "nginx"}';
    const heard = await notificationsOf(client, 'port_updated', () =>
      client.query(`
        BEGIN;
        INSERT INTO queue (category, "Port") VALUES ('www', 'nginx');
        ${enqueue(key)};
        ${enqueue(key)};
        COMMIT`),
    );
    expect(heard.map(({ payload }) => payload)).toEqual(['{"Port": "nginx", "category": "www"}']);
    expect(await entries()).toEqual([['www', 'nginx']]);
  });

  test('notifies nobody where the channel is empty', async () => {
    const heard = await notificationsOf(client, 'port_updated', () =>
      client.query(enqueue('{"category": "www", "Port": "nginx"}', { channel: '' })),
    );
    expect({ heard, queue: await entries() }).toEqual({ heard: [], queue: [['www', 'nginx']] });
  });

  test('takes null for NULL, and numbers for the text that they are written with', async () => {
    await client.query(enqueue('{"category": null, "Port": 1.50}'));
    expect(await entries()).toEqual([[null, '1.50']]);
  });

  test('gives each column its type', async () => {
    await client.query(`
      CREATE TABLE days (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, day date, year int, note text DEFAULT 'x');
      ${enqueue('{"day": "2020-01-31", "year": 2020}', { queue: 'days' })}`);
    const { rows } = await client.query('SELECT day::text, year, note FROM days');
    expect(rows).toEqual([{ day: '2020-01-31', year: 2020, note: 'x' }]);
    await expect(client.query(enqueue('{"day": "no day", "year": 2020}', { queue: 'days' }))).rejects.toThrow(
      'invalid input syntax for type date',
    );
  });

  test('writes into a queue table without a UNIQUE, each key as often as it is called', async () => {
    await client.query(made('free', ''));
    const call = enqueue('{"category": "www", "Port": "nginx"}', { queue: 'free' });
    await client.query(`BEGIN; ${call}; ${call}; COMMIT`);
    expect(await entries('free')).toHaveLength(2);
  });

  test('enqueues NULL for a key that is too long for the index, and notifies', async () => {
    await client.query(`CREATE TABLE long AS
      SELECT string_agg(md5(i::text), '') AS text FROM generate_series(1, 100) AS i`);
    const call = (bytes: number) =>
      client.query(`SELECT uncached.enqueue_key('queue', 'port_updated',
        jsonb_build_object('category', 'www', 'Port', left(text, ${bytes}))) FROM long`);
    const heard = await notificationsOf(client, 'port_updated', () => call(3000));
    expect(heard).toHaveLength(1);
    expect(await entries()).toEqual([[null, null]]);
    await client.query('TRUNCATE queue');
    await call(2600);
    expect(await entries()).toEqual([['www', 2600]]);
  });

  test('takes a key of any length where there is no index', async () => {
    await client.query(made('free', ''));
    await client.query(`SELECT uncached.enqueue_key('free', '',
      jsonb_build_object('category', 'www', 'Port', repeat('x', 9000)))`);
    expect(await entries('free')).toEqual([['www', 9000]]);
  });

  test.each([
    [
      enqueue('{"category": "www", "port": "nginx"}'),
      '42703',
      'Cannot enqueue into queue: the key has no value for its column "Port"; it has no column port',
    ],
    [enqueue('{}'), '22023', 'Cannot enqueue into queue: the key is no object with columns and their values'],
    [
      enqueue('["www"]'),
      '22023',
      'Cannot enqueue into queue: the key is no object with columns and their values',
    ],
    [
      `SELECT uncached.enqueue_key('queue', NULL, '{"category": "www"}')`,
      '22004',
      'Cannot enqueue a key: the queue table, the channel or the key is NULL',
    ],
    [enqueue('{"a": 1}', { queue: 'nowhere' }), '42P01', 'relation "nowhere" does not exist'],
  ])('refuses %s', async (call, code, message) => {
    expect(await complaintOf(call)).toMatchObject({ code, message });
  });

  test('refuses a queue table that stands in the way of other transactions, as the trigger does', async () => {
    await client.query('CREATE UNIQUE INDEX own ON queue (category, "Port")');
    expect(await complaintOf(enqueue('{"category": "www", "Port": "nginx"}'))).toMatchObject({
      code: '55000',
      message: 'Cannot enqueue into scratch.queue: scratch.own lets only one transaction enqueue a key',
      hint: 'DROP INDEX scratch.own;',
    });
  });

  test('checks the columns of each call, also in a transaction that has passed with others', async () => {
    const call = enqueue('{"category": "www", "Port": "nginx"}');
    expect(await complaintOf(`BEGIN; ${call}; ${enqueue('{"category": "www"}')}`)).toMatchObject({
      message: 'Cannot enqueue into queue: the key has no value for its column "Port"',
    });
  });

  test('a setting that the session alters is never run', async () => {
    const { rows } = await client.query(`SELECT 'queue'::regclass::oid AS oid`);
    await client.query(`
      SET uncached.checked_key_${rows[0].oid} = 'folding "Port", category); DROP TABLE queue; --';
      ${enqueue('{"category": "www", "Port": "nginx"}')}`);
    expect(await entries()).toEqual([['www', 'nginx']]);
  });

  test('needs SELECT on the queue table, INSERT on its key columns, and no more', async () => {
    const role = `enqueue_key_${process.pid}`;
    await client.query(`
      CREATE ROLE ${role};
      GRANT USAGE ON SCHEMA scratch TO ${role};
      GRANT SELECT, INSERT (category, "Port") ON queue TO ${role};
      SET ROLE ${role}`);
    try {
      await client.query(enqueue('{"category": "www", "Port": "nginx"}'));
      await client.query(`RESET ROLE; REVOKE INSERT (category) ON queue FROM ${role}; SET ROLE ${role}`);
      await expect(client.query(enqueue('{"category": "mail", "Port": "exim"}'))).rejects.toThrow(
        'permission denied for table queue',
      );
    } finally {
      await client.query(`RESET ROLE; DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
    expect(await entries()).toEqual([['www', 'nginx']]);
  });
});
