import { beforeAll, describe, expect, test } from 'vitest';
import { claimAll, withQueue } from '../postgres/claim.ts';
import { withClient } from '../postgres/connection.ts';
import { attach, levels } from './attach.ts';
import { notificationsOf } from './notifications.ts';
import { describeNotifying } from './notify-world.ts';
import { install } from './sql-file.ts';

/** How a producer's session may differ from the daemon's. */
const strange = `
  SET datestyle = 'German'; SET timezone = 'Asia/Kolkata'; SET bytea_output = 'escape'; SET extra_float_digits = -5;
  SET intervalstyle = 'sql_standard'; SET standard_conforming_strings = off; SET quote_all_identifiers = on;
  SET xmloption = 'document'; SET plan_cache_mode = 'auto'`;

describeNotifying('keys in notifications', (world) => {
  const { missing } = world;

  beforeAll(async () => {
    if (missing) return;
    await world.client.query(`
      CREATE EXTENSION citext;
      CREATE TYPE colour AS ENUM ('red');
      CREATE DOMAIN slug AS varchar(20);
      CREATE DOMAIN subslug AS slug CHECK (VALUE <> '');
      CREATE DOMAIN moment AS timestamptz;
      CREATE FUNCTION shout(colour) RETURNS text LANGUAGE sql AS $$ SELECT 'SHOUTED' $$;
      CREATE CAST (colour AS text) WITH FUNCTION shout(colour) AS ASSIGNMENT`);
  });

  /** The keys that the daemon writes into the log. */
  async function logged(columns: readonly string[]): Promise<unknown[]> {
    const config = world.server;
    return withQueue({ name: 'postgres', config }, columns, async (queue, pool) => {
      await claimAll(queue, 1000);
      const { rows } = await pool.query<{ key: string }>('DELETE FROM uncached.log RETURNING key::text');
      return rows.map(({ key }) => key);
    });
  }

  const same: [type: string, value: string, queueType?: string][] = [
    ['text', `E'Foo/b"ar\\\\\\n'`],
    ['text', `'🍰 caf'||chr(233)`],
    ['text', 'NULL'],
    ['varchar', `'ab  '`],
    ['varchar(9)', `'ab'`],
    ['char(10)', `'ab'`],
    ['name', `'ab'`],
    ['citext', `'Foo'`],
    ['subslug', `'Foo'`],
    ['boolean', 'true'],
    ['integer', '42'],
    ['bigint', '-42'],
    ['numeric', '1.10'],
    ['numeric(9,3)', '1.1'],
    ['numeric', `'NaN'`],
    ['inet', `'10.0.0.1'`],
    ['inet', `'10.0.0.1/8'`],
    ['cidr', `'10.0.0.1'`],
    ['date', `'2020-12-31'::date`],
    ['date', `'infinity'`],
    ['date', `'0044-03-15 BC'::date`],
    ['timestamp', `'2020-12-31 10:00:00.25'::timestamp`],
    ['timestamp', `'-infinity'`],
    ['timestamp(0)', `'0044-03-15 10:00 BC'::timestamp`],
    ['uuid', `'F47AC10B-58CC-4372-A567-0E02B2C3D479'`],
    ['colour', `'red'`],
    ['macaddr', `'08:00:2b:01:02:03'`],
  ];
  /** Into a column of type text, with what the insert's own cast makes of it. */
  const converted: typeof same = [
    ['date', `'2020-12-31'::date`, 'text'],
    ['timestamptz', `'2020-12-31 10:00+00'::timestamptz`, 'text'],
    ['bytea', `'a'`, 'text'],
    ['double precision', '1.0 / 3', 'text'],
    ['boolean', 'true', 'varchar'],
    ['inet', `'10.0.0.1'`, 'text'],
    ['char(10)', `'ab'`, 'text'],
    ['colour', `'red'`, 'text'],
    ['citext', `'Foo'`, 'text'],
    ['integer', '42', 'bigint'],
    ['varchar(5)', `'ab'`, 'varchar(20)'],
    ['jsonb', `'{"a": 1}'`, 'text'],
  ];
  const none: typeof same = [
    ['timestamptz', 'now()'],
    ['moment', 'now()'],
    ['bytea', `'a'`],
    ['double precision', '1.0 / 3'],
    ['interval', `'1 day'`],
    ['time', `'10:00'`],
    ['text[]', `'{a}'`],
    ['date[]', `'{2020-12-31}'`],
    ['jsonb', `'1'`],
    ['numeric', '1.14', 'numeric(9,1)'],
    ['timestamptz', 'now()', 'date'],
    ['text', `'ab   '`, 'varchar(2)'],
    ['text', `'ab  '`, 'char(3)'],
    ['timestamp', 'now()', 'timestamp(0)'],
    ['integer', '42', 'numeric'],
    ['colour', `'red'`, 'varchar'],
  ];

  describe.each(levels)('for each %s', (level) => {
    test.skipIf(missing).each([...same, ...converted])(
      'a key of type %s that is %s is what the log has',
      async (type, value, queueType = type) => {
        await world.made(`"K ""%1$s" ${queueType}`);
        await world.client.query(`CREATE TABLE source ("s ""%s" ${type}); ${strange}`);
        await attach(world.client, level, 'source', ['public.q', 'changed', '"K ""%1$s"="s ""%s"']);
        const payloads = await world.heard(`INSERT INTO source VALUES (${value})`);
        expect(payloads).toHaveLength(1);
        expect(payloads).toEqual(await logged(['K "%1$s']));
      },
    );

    test.skipIf(missing).each(none)(
      'a key of type %s, as %s, is anything',
      async (type, value, queueType = type) => {
        await world.made(`k ${queueType}`);
        await world.client.query(`CREATE TABLE source (k ${type})`);
        await attach(world.client, level, 'source', ['public.q', 'changed', 'k']);
        expect(await world.heard(`INSERT INTO source VALUES (${value})`)).toEqual(['']);
      },
    );
  });

  test.skipIf(missing)('uncached.enqueue_key() notifies the same key as a trigger', async () => {
    await world.made('day date, port text');
    await world.client.query(`CREATE TABLE source (day date, port text); ${strange}`);
    await attach(world.client, 'row', 'source', ['public.q', 'changed', 'port', 'day']);
    const payloads = await world.heard(`
      BEGIN;
      INSERT INTO source VALUES ('31.12.2020', 'a"b');
      SELECT uncached.enqueue_key('public.q', 'Changed', '{"port": "a\\\\"b", "day": "2020-12-31"}');
      SELECT uncached.enqueue_key('public.q', 'changed', '{"port": null, "day": "31.12.2020"}');
      COMMIT`);
    expect(payloads).toEqual([
      '{"day": "2020-12-31", "port": "a\\"b"}',
      '{"day": "2020-12-31", "port": null}',
    ]);
    expect(await logged(['day', 'port'])).toEqual(expect.arrayContaining(payloads));
  });

  test.skipIf(missing)('uncached.enqueue_key() counts with the triggers', async () => {
    await world.made('port text');
    const payloads =
      await world.heard(`SELECT uncached.enqueue_key('public.q', 'changed', jsonb_build_object('port', i % 101))
                                  FROM generate_series(1, 500) AS i`);
    expect([payloads.length, payloads.at(-1)]).toEqual([101, '']);
  });

  test.skipIf(missing)('a database in SQL_ASCII notifies keys in ASCII alone', async () => {
    await world.client.query(`CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'`);
    await withClient({ ...world.server, database: 'bytes' }, async (bytes) => {
      await install(bytes);
      await bytes.query('CREATE TABLE source (category text, port text)');
      await attach(bytes, 'row', 'source', ['public.cache_clearing_ports', 'changed', 'category', 'port']);
      const payloads = await notificationsOf(bytes, 'changed', async () => {
        await bytes.query(`INSERT INTO source VALUES ('www', 'nginx')`);
        await bytes.query(`INSERT INTO source VALUES ('www', E'caf\\xe9')`);
      });
      expect(payloads.map(({ payload }) => payload)).toEqual(['{"port": "nginx", "category": "www"}', '']);
    });
  });
});
