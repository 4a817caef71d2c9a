import { afterAll, beforeAll, expect, it } from 'vitest';
import { queuedKeys } from '../../src/postgres/pending.ts';
import { parseTemplate } from '../../src/template/template.ts';
import { connect } from '../sql/connect.ts';
import { claimAll, withQueue } from './claim.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
let client: Awaited<ReturnType<typeof connect>>;

beforeAll(async () => {
  client = await connect(database.config);
  await client.query(`
    CREATE EXTENSION citext;
    CREATE COLLATION folding (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    CREATE TYPE colour AS ENUM ('red');
    CREATE DOMAIN slug AS text CHECK (VALUE <> '');
    CREATE DOMAIN subslug AS slug;
    CREATE DOMAIN flag AS boolean;
    CREATE FUNCTION shout(colour) RETURNS text LANGUAGE sql AS $$ SELECT 'SHOUTED' $$;
    CREATE CAST (colour AS text) WITH FUNCTION shout(colour)`);
});
afterAll(() => client.end());

async function keysOf(type: string, values: readonly string[]) {
  await client.query(`
    DROP TABLE IF EXISTS q;
    CREATE TABLE q (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, k ${type});
    ${values.map((value) => `INSERT INTO q (k) VALUES (${value});`).join('\n')}`);
  const waiting = await withQueue(database, ['k'], async (_queue, pool) =>
    queuedKeys(pool, 'q', ['k'], () => undefined),
  );
  const claimed = await withQueue(database, ['k'], (queue) => claimAll(queue, 100));
  const keys = claimed.flatMap((claim) => claim.keys).sort();
  // The key that is asked about is the key that is cleared.
  expect(waiting.map(({ key }) => key.k).sort()).toEqual(keys);
  return keys;
}

it.each([
  ['text', `'Foo/bar'`, 'Foo/bar'],
  ['varchar(10)', `'é'`, 'é'],
  ['char(10)', `'ab'`, 'ab'],
  ['name', `'ab'`, 'ab'],
  ['citext', `'Foo'`, 'Foo'],
  ['subslug', `'Foo'`, 'Foo'],
  ['boolean', 'true', 'true'],
  ['flag', 'false', 'false'],
  ['inet', `'10.0.0.1'`, '10.0.0.1'],
  ['inet', `'2001:db8::1'`, '2001:db8::1'],
  ['inet', `'10.0.0.1/8'`, '10.0.0.1/8'],
  ['cidr', `'10.0.0.0/8'`, '10.0.0.0/8'],
  ['cidr', `'10.0.0.1'`, '10.0.0.1/32'],
  ['inet[]', `'{10.0.0.1}'`, '{10.0.0.1}'],
  ['integer', '-7', '-7'],
  ['numeric', '1.10', '1.10'],
  ['date', `'2020-01-03'`, '2020-01-03'],
  ['timestamp', `'2020-01-03 10:00'`, '2020-01-03 10:00:00'],
  ['timestamptz', `'2020-01-03 10:00+00'`, '2020-01-03 10:00:00+00'],
  ['uuid', `'F47AC10B-58CC-4372-A567-0E02B2C3D479'`, 'f47ac10b-58cc-4372-a567-0e02b2c3d479'],
  ['bytea', `'\\x0a'`, '\\x0a'],
  ['text[]', `'{a,b c}'`, '{a,"b c"}'],
  ['jsonb', `'{"a":1}'`, '{"a": 1}'],
  // A cast that another user has made is never used: it would run with the daemon's rights.
  ['colour', `'red'`, 'red'],
])('a key of type %s that is %s is %s', async (type, value, text) => {
  expect(await keysOf(type, [value, 'NULL'])).toEqual([text, null].sort());
});

it.each([
  ['text COLLATE folding', ['Foo', 'foo']],
  ['text COLLATE "C"', ['Foo', 'foo']],
  ['citext', ['README', 'readme']],
  ['numeric', ['1.0', '1.00']],
  ['text[] COLLATE folding', ['{A}', '{a}']],
])('values of type %s that PostgreSQL takes for equal are keys of their own', async (type, values) => {
  const quoted = values.map((value) => `'${value}'`);
  expect(await keysOf(type, [...quoted, ...quoted])).toEqual(values);
});

/** No jsonb can hold 256 MB: a claim that built one would always fail. */
it.each([
  ['text', `repeat('x', 150 * 1024 * 1024)`, 'is 150 MB'],
  ['varchar', `repeat('x', 300 * 1024 * 1024)`, 'is 300 MB'],
  // Incompressible: nothing in it repeats.
  ['text', `(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 100000) i)`, 'is 3 MB'],
  ['citext', `repeat('x', 20000)::citext`, 'is 20 KB'],
  ['bytea', `convert_to(repeat('x', 60 * 1024 * 1024), 'SQL_ASCII')`, 'is 703 KB'],
  ['jsonb', `to_jsonb(repeat('x', 100 * 1024 * 1024))`, 'is 1 MB'],
])(
  'a key of type %s that is %s fails alone and never travels',
  async (type, value, problem) => {
    const keys = (await keysOf(type, [`'1'`, value])).map(String).sort((a, b) => a.length - b.length);
    const [good, bad = ''] = keys;
    expect(good).toBe(type === 'bytea' ? '\\x31' : '1');
    expect(bad.length).toBeLessThan(9_000);
    for (const format of ['', ':path', ':slug', ':below /a', ':%Y'])
      expect(() => parseTemplate(`{k${format}}`).expand({ k: bad })).toThrow(
        `column k ${problem}: no page can have this key`,
      );
  },
  240_000,
);

it('a value as long as a path can be is read as it is', async () => {
  const path = `${'d/'.repeat(4_000)}x`;
  expect(await keysOf('text', [`'${path}'`])).toEqual([path]);
});
