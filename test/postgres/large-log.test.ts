import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ConsumerLog, LogPart } from '../../src/core/consumer-contract.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { lastClearing } from '../../src/postgres/last-clearing.ts';
import { openLog } from '../../src/postgres/log.ts';
import { pendingRows } from '../../src/postgres/pending.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { parseTemplate } from '../../src/template/template.ts';
import { connect } from '../sql/connect.ts';
import { append, consumerOf } from './consumer.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';
import { forgetClearings } from './unsettled.ts';

const database = testDatabase();
let client: Client;
let pool: Pool;
let own: ConsumerLog;

beforeAll(async () => {
  client = await connect(database.config);
  pool = openPool(openHosts([database.config], patient));
  own = consumerOf(pool);
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
beforeEach(async () => {
  await forgetClearings(client);
  await own.join({ wiping: false });
});

const rowsOf = ({ groups }: LogPart) => groups.flatMap(({ rows }) => [...rows]);

/** Rows that somebody inserted by hand, of text that compresses well and text that does not. */
it.each([
  [`repeat('x', 100 * 1024 * 1024)`],
  [`(SELECT string_agg(md5(i::text), '') FROM generate_series(1, 500000) i)`],
  [`repeat('x', 300 * 1024)`],
])(
  'a key of %s is read by its size alone, names no page, and leaves the others alone',
  async (value) => {
    await client.query(
      `INSERT INTO uncached.log (handler, key) VALUES ('h', jsonb_build_object('slug', ${value})), ('h', '{"slug": "good"}')`,
    );
    const read = [
      rowsOf(await own.read({ after: 0, limit: 10 })),
      rowsOf(await own.readAgain({ after: 0, upTo: 2, at: 'infinity' })),
      await pendingRows(pool, ['h'], () => true),
    ];
    await own.failing.add([1, 2].map((id) => ({ id, error: 'e' })));
    await client.query(
      `UPDATE uncached.failing SET last_error = CASE id WHEN 1 THEN repeat('e', 20 * 1024 * 1024) ELSE 'z' END, retry_at = now()`,
    );
    const log = openLog(pool);
    read.push(
      await log.failing({}),
      (await own.failing.due(10)).rows,
      await pendingRows(pool, ['h'], () => true),
    );
    expect(JSON.stringify(await log.counts()).length).toBeLessThan(1_000);
    await own.failing.settleLater([1, 2], 1);
    read.push(await own.failing.inCohorts([1], 0));
    for (const rows of read) {
      expect(JSON.stringify(rows).length).toBeLessThan(5_000);
      const [large, good] = [...rows].sort((a, b) => a.id - b.id);
      expect(good?.key).toEqual({ slug: 'good' });
      expect(() => parseTemplate('{slug}').expand(large?.key ?? {})).toThrow(
        /^column slug is in a key of \d+ bytes: no page can have this key$/,
      );
    }
    expect(await lastClearing(pool, 'h', ({ id }) => id === 1)).toMatchObject({
      id: 1,
      consumers: [{ error: expect.stringMatching(/^e+$/) }],
    });
  },
  240_000,
);

it('a key with long values is read completely to clear it, and in part to show it', async () => {
  const slug = 'x'.repeat(8_000);
  await client.query(
    `INSERT INTO uncached.log (handler, key) VALUES ('h', jsonb_build_object('slug', $1::text, 'n', NULL))`,
    [slug],
  );
  expect(rowsOf(await own.read({ after: 0, limit: 10 }))).toMatchObject([{ key: { slug, n: null } }]);
  await own.failing.add([{ id: 1, error: 'e' }]);
  expect(await openLog(pool).failing({})).toMatchObject([
    { key: { slug: `${'x'.repeat(200)}... (8000 characters)`, n: null } },
  ]);
});

it('reads any number of rows, a part at a time, and once more to settle them', async () => {
  const count = 45_000;
  await append(client, count);
  const all = Array.from({ length: count }, (_, at) => at + 1);
  const ids: number[] = [];
  for (let after = 0, part: LogPart; ; after = part.upTo) {
    part = await own.read({ after, limit: 100_000 });
    if (part.upTo === after) break;
    expect(rowsOf(part)).toHaveLength(1_000);
    for (const { id } of rowsOf(part)) ids.push(id);
  }
  expect(ids).toEqual(all);

  await own.advance({ from: 0, settledTo: 0, clearedTo: count });
  expect(await openLog(pool).counts()).toMatchObject([{ claimed: 0, settling: count }]);
  const { at } = await own.snapshot({ after: 0, upTo: count });
  const settled: number[] = [];
  for (let after = 0; after < count; ) {
    const part = await own.readAgain({ after, upTo: count, at });
    expect(rowsOf(part)).toHaveLength(5_000);
    for (const { id } of rowsOf(part)) settled.push(id);
    after = part.upTo;
  }
  expect(settled).toEqual(all);
  await own.advance({ from: 0, settledTo: count - 1, clearedTo: count });
  expect(await openLog(pool).counts()).toMatchObject([{ settling: 1 }]);
});

it('counts the rows that it clears, up to a limit', async () => {
  await append(client, 10);
  await client.query(`UPDATE uncached.log SET handler = 'other' WHERE id IN (2, 3)`);
  expect(await own.count({ after: 0, upTo: 10, most: 100 })).toBe(8);
  expect(await own.count({ after: 1, upTo: 9, most: 100 })).toBe(6);
  expect(await own.count({ after: 0, upTo: 10, most: 4 })).toBe(4);
});

it('a part ends where it was asked to, whether ids are missing there or handlers are not its own', async () => {
  await append(client, 4);
  await client.query(
    `DELETE FROM uncached.log WHERE id IN (2, 4); UPDATE uncached.log SET handler = 'other' WHERE id = 3`,
  );
  const part = {
    state: 'live',
    others: { other: 1 },
    groups: [{ handler: 'h', rows: [{ id: 1, handler: 'h', key: { slug: '1' } }] }],
  };
  expect(await own.read({ after: 0, upTo: 4, limit: 10 })).toMatchObject({ ...part, upTo: 4 });
  expect(await own.read({ after: 0, limit: 10 })).toMatchObject({ ...part, upTo: 3 });
  expect(await own.read({ after: 0, upTo: 4, limit: 1 })).toMatchObject({
    others: {},
    groups: part.groups,
    upTo: 1,
  });
  expect(await own.read({ after: 3, limit: 10 })).toMatchObject({ groups: [], upTo: 3 });
  expect(await own.readAgain({ after: 0, upTo: 4, at: 'infinity' })).toMatchObject({
    ...part,
    late: false,
    upTo: 4,
  });
});
