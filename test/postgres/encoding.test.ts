import { describe, expect, it } from 'vitest';
import { decode } from '../../src/core/bytes.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { lastClearing } from '../../src/postgres/last-clearing.ts';
import { openLog } from '../../src/postgres/log.ts';
import { pendingRows, queuedKeys } from '../../src/postgres/pending.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { install } from '../sql/sql-file.ts';
import { withClient } from './connection.ts';
import { consumerOf } from './consumer.ts';
import { testDatabase } from './test-database.ts';

/**
 * For each encoding: a text that it can encode, and bytes that it accepts although Unicode has no such
 * character.
 */
const encodings: [encoding: string, text: string, foreign?: number[]][] = [
  ['UTF8', 'größe 日本 🎉'],
  ['SQL_ASCII', 'größe 日本', [0x81]],
  ['WIN1252', 'größe €', [0x81]],
  ['WIN1251', 'размер', [0x98]],
  ['WIN1253', 'μέγεθος', [0xaa]],
  ['WIN874', 'ขนาด', [0xdb]],
  ['LATIN1', 'größe'],
  ['LATIN2', 'żółw'],
  ['ISO_8859_7', 'μέγεθος', [0xae]],
  ['KOI8R', 'размер'],
  ['EUC_JP', '日本 ～', [0xa9, 0xa1]],
  ['EUC_KR', '크기', [0xc9, 0xa1]],
  ['EUC_CN', '大小', [0xaa, 0xa1]],
  ['EUC_TW', '大小', [0xa8, 0xa1]],
];

const askFor = (category: string) => (column: string) => (column === 'category' ? [category] : undefined);

describe.each(encodings)('a database whose encoding is %s', (encoding, text, foreign) => {
  const database = testDatabase({ encoding });

  it('gives each key as a writer gets it, and one that cannot be converted by its bytes', async () => {
    const bytes = foreign && Buffer.from([0xe9, ...foreign, ...Buffer.from('.x')]);
    // In a multi-byte encoding 0xE9 would start a character.
    const own = bytes && (encoding.startsWith('EUC') ? bytes.subarray(1) : bytes);
    await withClient(database.config, async (client) => {
      await install(client);
      await client.query('INSERT INTO cache_clearing_ports (category, port) VALUES ($1, $2), ($1, $3)', [
        text,
        'good',
        'two\nlines "quoted" \\',
      ]);
      if (own)
        await client.query(
          `INSERT INTO cache_clearing_ports (category, port)
           VALUES (convert_from($1, current_setting('server_encoding')), 'bad')`,
          [own],
        );
    });
    const keys = [
      { category: text, port: 'good' },
      { category: text, port: 'two\nlines "quoted" \\' },
      ...(own ? [{ category: decode(own), port: 'bad' }] : []),
    ];
    const inOrder = (rows: readonly { key: unknown }[]) =>
      rows.map(({ key }) => JSON.stringify(Object.entries(key as object).sort())).sort();
    const expected = inOrder(keys.map((key) => ({ key })));

    const pool = openPool(openHosts([database.config]));
    try {
      const columns = ['category', 'port'];
      const queue = 'cache_clearing_ports';
      expect(inOrder(await queuedKeys(pool, queue, columns, () => undefined))).toEqual(expected);
      // Asked as `explain` asks: for any key that a page can have been made from, even one that the database
      // cannot store.
      for (const category of [keys.at(-1)?.category ?? '', '日本 żółw размер'])
        expect(inOrder(await queuedKeys(pool, queue, columns, askFor(category)))).toEqual(
          expect.arrayContaining(
            inOrder(keys.filter((key) => key.category === category).map((key) => ({ key }))),
          ),
        );
      const given = { queue, columns, user: 'postgres', owner: 'test' };
      const handler = ['LATIN1', 'WIN1252'].includes(encoding) ? 'größe' : 'size';
      const claim = await openQueue(pool, { ...given, handler }).claim(10, null);
      expect(inOrder(claim.rows)).toEqual(expected);

      const own = consumerOf(pool, { handlers: [handler], name: text });
      expect(await own.join({ wiping: false })).toMatchObject({ state: 'new' });
      const upTo = claim.rows.at(-1)?.id ?? 0;
      for (const { groups } of [
        await own.read({ after: 0, limit: 10 }),
        await own.readAgain({ after: 0, upTo, at: 'infinity' }),
      ]) {
        expect(groups).toMatchObject([{ handler }]);
        expect(inOrder(groups.flatMap(({ rows }) => [...rows]))).toEqual(expected);
      }
      // Our own messages contain characters that old encodings lack.
      const failures = claim.rows.map(({ id }) => ({ id, error: `a component of ${text}… → is too long` }));
      await own.failing.add(failures);
      await own.failing.restart('all');
      expect(inOrder((await own.failing.due(10)).rows)).toEqual(expected);
      await own.failing.settleLater(
        failures.map(({ id }) => id),
        1,
      );
      expect(inOrder(await own.failing.inCohorts([1], 0))).toEqual(expected);
      expect(inOrder(await pendingRows(pool, [handler], () => true))).toEqual(expected);
      await own.failing.keepInvalid(failures);
      const log = openLog(pool);
      expect(inOrder(await log.failing({}))).toEqual(expected);
      const cleared = await lastClearing(pool, handler, ({ id }) => id === upTo);
      expect(inOrder(cleared ? [cleared] : [])).toEqual(inOrder(claim.rows.slice(-1)));
      const [row] = await log.failing({});
      expect(row?.error).toMatch(/^a component of .* is too long$/);
      expect(row?.handler).toBe(handler);
    } finally {
      await pool.end();
    }
  });
});
