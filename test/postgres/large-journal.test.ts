import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Journal } from '../../src/core/contracts.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openJournal } from '../../src/postgres/journal.ts';
import { pendingRows } from '../../src/postgres/pending.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { parseTemplate } from '../../src/template/template.ts';
import { connect } from '../sql/connect.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
let client: Client;
let pool: Pool;
let journal: Journal;

beforeAll(async () => {
  client = await connect(database.config);
  pool = openPool(openHosts([database.config], patient));
  journal = openJournal(pool, { owner: 'me', leaseMs: 60_000 });
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
beforeEach(() => client.query('TRUNCATE uncached.journal RESTART IDENTITY'));

const all = { after: 0, upTo: 1_000_000, limit: 100_000, which: 'all' } as const;

/** Rows from an earlier version or inserted by hand, of text that compresses well and text that does not. */
it.each([
  [`repeat('x', 100 * 1024 * 1024)`],
  [`(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500000) i)`],
  [`repeat('x', 300 * 1024)`],
])(
  'a key of %s is read by its size alone, names no page, and leaves the others alone',
  async (value) => {
    await client.query(
      `INSERT INTO uncached.journal (handler, key, owner, last_error, retry_at)
     VALUES ('h', jsonb_build_object('slug', ${value}), 'me', repeat('e', 20 * 1024 * 1024), now()), ('h', '{"slug": "good"}', 'me', 'z', now())`,
    );
    const { at } = await journal.snapshot([1, 2], []);
    const read = [
      await journal.unsettled(all),
      await journal.read({ ids: [1, 2], at }),
      await pendingRows(pool, ['h'], () => true),
      await journal.failing({}),
      (await journal.retake({ limit: 10, handlers: ['h'] })).rows,
    ];
    for (const rows of read) {
      expect(JSON.stringify(rows).length).toBeLessThan(5_000);
      const [large, good] = [...rows].sort((a, b) => a.id - b.id);
      expect(good?.key).toEqual({ slug: 'good' });
      expect(() => parseTemplate('{slug}').expand(large?.key ?? {})).toThrow(
        /^column slug is in a key of \d+ bytes: no page can have this key$/,
      );
    }
    expect(JSON.stringify(await journal.counts()).length).toBeLessThan(1_000);
  },
  240_000,
);

it('a key with long values is read completely to clear it, and in part to show it', async () => {
  const slug = 'x'.repeat(8_000);
  await client.query(
    `INSERT INTO uncached.journal (handler, key, owner, last_error) VALUES ('h', jsonb_build_object('slug', $1::text, 'n', NULL), 'me', 'e')`,
    [slug],
  );
  expect(await journal.unsettled(all)).toMatchObject([{ key: { slug, n: null } }]);
  expect(await journal.failing({})).toMatchObject([
    { key: { slug: `${'x'.repeat(200)}... (8000 characters)`, n: null } },
  ]);
});

it('reads, marks and settles any number of rows, a part at a time', async () => {
  const count = 45_000;
  await client.query(
    `INSERT INTO uncached.journal (handler, key, owner) SELECT 'h', jsonb_build_object('slug', i), 'me' FROM generate_series(1, $1::int) i`,
    [count],
  );
  const ids = Array.from({ length: count }, (_, at) => at + 1);
  expect(await journal.unsettled(all)).toHaveLength(1_000);
  const { found, at } = await journal.snapshot(ids, ids);
  expect(found).toHaveLength(count);
  expect(await journal.counts()).toMatchObject([{ claimed: 0, settling: count }]);
  const rows = await journal.read({ ids, at });
  expect(new Set(rows.map(({ id }) => id)).size).toBe(count);
  await journal.settle({ ids: ids.slice(0, count - 1), at });
  expect(await journal.counts()).toMatchObject([{ settling: 1 }]);
});
