import { beforeEach, describe, expect, test } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { launchServer } from '../postgres/launch.ts';
import { attach, levels } from './attach.ts';
import { client, complaintOf } from './enqueue-errors.ts';
import { install, uninstall } from './sql-file.ts';

/** This many bytes that cannot be compressed. */
const incompressible = (bytes: number) =>
  `(SELECT left(string_agg(md5(i::text), ''), ${bytes}) FROM generate_series(1, ${Math.ceil(bytes / 32)}) AS i)`;

async function queueTable(columns: string, constraint: string) {
  await client.query(`
    CREATE TABLE queue (
      id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ${columns},
      xid xid8 NOT NULL DEFAULT pg_current_xact_id()${constraint && `, ${constraint}`})`);
}
async function keys(): Promise<string[]> {
  const { rows } = await client.query<{ k: string }>(
    'SELECT k::text FROM queue ORDER BY k::text COLLATE "C"',
  );
  return rows.map(({ k }) => k);
}

describe.each(levels)('uncached.enqueue() for each %s takes keys for bytes', (level) => {
  beforeEach(async () => {
    await client.query(
      `CREATE COLLATION caseless (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`,
    );
  });

  test.each([
    { type: 'text COLLATE caseless', values: ['Foo', 'foo'] },
    { type: 'numeric', values: ['1.0', '1.00'] },
    { type: 'double precision', values: ['-0', '0'] },
    { type: 'interval', values: ['1 day', '24:00:00'] },
    { type: 'jsonb', values: ['1.0', '1.00'] },
  ])('a UNIQUE over $type is refused, with a remedy that helps', async ({ type, values }) => {
    await queueTable(`k ${type}`, 'UNIQUE (xid, k)');
    await client.query(`CREATE TABLE typed (k ${type})`);
    await attach(client, level, 'typed', ['queue', '', 'k']);
    const change = `INSERT INTO typed VALUES ('${values[0]}'), ('${values[1]}')`;

    const { hint, ...complaint } = await complaintOf(change);
    expect(complaint).toEqual({
      code: '55000',
      message:
        'Cannot enqueue into scratch.queue: scratch.queue_xid_k_key takes keys for equal that are not the same bytes, as file names are',
    });
    await client.query(hint ?? 'the hint is missing');
    await client.query(change);
    expect(await keys()).toEqual(values);
  });

  test.each(['text COLLATE caseless', 'numeric'])('%s without a UNIQUE keeps both', async (type) => {
    const values = type === 'numeric' ? ['1.0', '1.00'] : ['FOO', 'Foo', 'foo'];
    await queueTable(`k ${type}`, '');
    await client.query(`CREATE TABLE typed (k ${type})`);
    await attach(client, level, 'typed', ['queue', '', 'k']);
    await client.query(`INSERT INTO typed VALUES ('${values[0]}')`);
    await client.query('TRUNCATE queue');
    for (const value of values.slice(1)) await client.query(`UPDATE typed SET k = '${value}'`);
    expect([...new Set(await keys())]).toEqual(values);
  });

  test.each([
    'date',
    'integer',
    'uuid',
    'varchar(20)',
    'char(20)',
    'timestamptz',
    'numeric(10,2)',
    'boolean',
    'inet',
  ])('a UNIQUE over %s is as good as one over text', async (type) => {
    await queueTable(`k ${type}`, 'UNIQUE (xid, k)');
    await client.query(`CREATE TABLE typed (k ${type}); INSERT INTO typed VALUES (NULL)`);
    await attach(client, level, 'typed', ['queue', '', 'k']);
    await client.query('UPDATE typed SET k = k');
  });
});

describe.each(levels)('uncached.enqueue() for each %s and a key too long for an index', (level) => {
  beforeEach(() => client.query('CREATE TABLE long (k text, other text)'));
  const remarks: string[] = [];
  const change = async (bytes: number) => {
    remarks.length = 0;
    const hear = (notice: { message?: string | undefined }) => remarks.push(notice.message ?? '');
    client.on('notice', hear);
    await client.query(`INSERT INTO long VALUES (${incompressible(bytes)}, 'x'), ('short', 'x')`);
    client.off('notice', hear);
  };
  const lengths = async () =>
    (
      await client.query<{ length: number | null }>('SELECT octet_length(k) AS length FROM queue ORDER BY 1')
    ).rows.map(({ length }) => length);

  test.each([
    ['UNIQUE (xid, k, other)', ['k', 'other']],
    ['UNIQUE (xid, k)', ['k']],
  ])('%s: lets the change through, and tells what it could not enqueue', async (constraint, columns) => {
    await queueTable('k text, other text', constraint);
    await attach(client, level, 'long', ['queue', '', ...columns]);
    await change(2_600);
    expect(remarks).toEqual([]);
    await client.query('TRUNCATE queue');
    await change(3_200);
    expect(await lengths()).toEqual([5, null]);
    expect(remarks).toEqual([
      expect.stringMatching(
        /^Cannot enqueue a key of 320\d bytes into scratch.queue: an index has no room for it$/,
      ),
    ]);
    await client.query(`UPDATE long SET k = k || 'x'; DELETE FROM long`);
    expect(new Set(await lengths())).toEqual(new Set([5, 6, 2_600, 2_601, null]));
  });

  test.each(['(k)', '(left(k, 3000))', '(k) WHERE other IS NULL'])(
    'an index on %s: the same',
    async (index) => {
      await queueTable('k text, other text', '');
      await client.query(`CREATE INDEX ON queue ${index}`);
      await attach(client, level, 'long', ['queue', '', 'k']);
      await change(3_200);
      expect(await lengths()).toEqual([5, null]);
    },
  );

  test('a column that takes no NULL: lets the change through all the same', async () => {
    await queueTable('k text NOT NULL', 'UNIQUE (xid, k)');
    await attach(client, level, 'long', ['queue', '', 'k']);
    await change(3_200);
    expect({ lengths: await lengths(), remarks }).toEqual({
      lengths: [5],
      remarks: [expect.stringMatching(/^Cannot enqueue a key of 3200 bytes/)],
    });
  });

  test('no index: enqueues it, whatever its length', async () => {
    await queueTable('k text', '');
    await attach(client, level, 'long', ['queue', '', 'k']);
    await change(100_000);
    expect({ lengths: await lengths(), remarks }).toEqual({ lengths: [5, 100_000], remarks: [] });
  });
});

describe.each(levels)('uncached.enqueue() for each %s', (level) => {
  test('refuses a generated column that is VIRTUAL, and reads one that is STORED', async ({ skip }) => {
    const { rows } = await client.query(`SELECT current_setting('server_version_num')::int >= 180000 AS has`);
    if (!rows[0].has) skip('PostgreSQL before 18 has none that are VIRTUAL');
    await client.query(`
      CREATE TABLE stored (title text, k text GENERATED ALWAYS AS (lower(title)) STORED);
      CREATE TABLE virtual (title text, k text GENERATED ALWAYS AS (lower(title)))`);
    await queueTable('k text', 'UNIQUE (xid, k)');
    for (const table of ['stored', 'virtual']) await attach(client, level, table, ['queue', '', 'k']);

    await client.query(`INSERT INTO stored (title) VALUES ('Hello')`);
    expect(await keys()).toEqual(['hello']);
    expect(await complaintOf(`INSERT INTO virtual (title) VALUES ('Hello')`)).toEqual({
      code: '0A000',
      message:
        'Cannot enqueue or notify from scratch.virtual: its column k is generated and VIRTUAL, and a trigger cannot read it',
      hint: expect.stringContaining('Make it STORED'),
    });
  });
});

test('a transaction whose channel is empty can be prepared', async () => {
  const server = await launchServer({ settings: { max_prepared_transactions: '2' } });
  try {
    await withClient(server, async (own) => {
      await install(own);
      await own.query('CREATE TABLE silent (pathname text); CREATE TABLE loud (pathname text)');
      for (const level of levels) {
        await own.query(
          'DROP TABLE silent, loud; CREATE TABLE silent (pathname text); CREATE TABLE loud (pathname text)',
        );
        await attach(own, level, 'silent', ['cache_clearing_files', '', 'pathname']);
        await attach(own, level, 'loud', ['cache_clearing_files', 'file_updated', 'pathname']);
        await own.query(`BEGIN; INSERT INTO silent VALUES ('${level}'); PREPARE TRANSACTION 'x'`);
        await own.query(`COMMIT PREPARED 'x'`);
        await own.query(`BEGIN; INSERT INTO loud VALUES ('loud')`);
        await expect(own.query(`PREPARE TRANSACTION 'y'`)).rejects.toThrow('NOTIFY');
      }
      const { rows } = await own.query('SELECT pathname FROM cache_clearing_files ORDER BY id');
      expect(rows).toEqual(levels.map((pathname) => ({ pathname })));
      await uninstall(own);
    });
  } finally {
    await server.stop();
  }
});
