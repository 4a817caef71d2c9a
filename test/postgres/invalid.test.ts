import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ConsumerLog, Log } from '../../src/core/consumer-contract.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openLog } from '../../src/postgres/log.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { append, consumerOf } from './consumer.ts';
import { testDatabase } from './test-database.ts';
import { forgetClearings } from './unsettled.ts';

const database = testDatabase();
let client: Client;
let pool: Pool;
let log: Log;
let own: ConsumerLog;

/** Rows: 1 fails, 2 is invalid and settled, 3 is settling, 4 is claimed. */
beforeAll(async () => {
  client = await connect(database.config);
  pool = openPool(openHosts([database.config]));
  log = openLog(pool);
  own = consumerOf(pool);
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
beforeEach(async () => {
  await forgetClearings(client);
  await own.join({ wiping: false });
  await append(client, 4);
  await client.query(`
    UPDATE uncached.log SET claimed_at = now() - CASE id WHEN 2 THEN interval '3 hours' WHEN 3 THEN interval '10 s' ELSE interval '1 day' END`);
  await own.failing.add([{ id: 1, error: 'EROFS' }]);
  await own.failing.keepInvalid([{ id: 2, error: 'NULL' }]);
  await own.advance({ from: 0, settledTo: 2, clearedTo: 3 });
});

const dueIds = async () => (await own.failing.due(9)).rows.map(({ id }) => id);
const listed = async (which = {}) => (await log.failing(which)).map(({ id, invalid }) => [id, invalid]);

it('an invalid row counts as nothing else', async () => {
  const [count] = await log.counts();
  expect(count).toMatchObject({ claimed: 1, settling: 1, failing: 1, invalid: 1, error: 'EROFS' });
  expect(Math.round((count?.invalidMs ?? 0) / 1_000)).toBeCloseTo(3 * 3_600, -2);
  expect(count?.settlingMs).toBeGreaterThan(9_000);
  await own.advance({ from: 2, settledTo: 4, clearedTo: 4 });
  await log.drop({ ids: [1] });
  expect(await log.counts()).toMatchObject([
    {
      claimed: 0,
      settling: 0,
      failing: 0,
      invalid: 1,
      claimedMs: null,
      settlingMs: null,
      failingMs: null,
      error: null,
    },
  ]);
});

it('no time comes for an invalid row; the start of a daemon takes it up again, as one that was reported', async () => {
  await log.drop({ ids: [1] });
  expect(await own.failing.due(9)).toEqual({ rows: [], nextMs: null });
  await own.failing.restart('cohorts');
  expect(await dueIds()).toEqual([]);
  await own.failing.restart('all');
  expect((await own.failing.due(9)).rows).toMatchObject([{ id: 2, invalid: true }]);
  // It was cleared as far as its key allows.
  await own.failing.keepInvalid([{ id: 2, error: 'NULL' }]);
  expect(await dueIds()).toEqual([]);
});

it('an invalid row is listed, and taken up again when it is to be retried', async () => {
  const all = [
    [1, false],
    [2, true],
  ];
  expect(await listed()).toEqual(all);
  expect(await listed({ invalid: false })).toEqual(all.slice(0, 1));
  expect(await listed({ invalid: true })).toEqual(all.slice(1));
  expect(await log.retryNow({ ids: [2] })).toBe(1);
  expect((await own.failing.due(9)).rows).toMatchObject([{ id: 2, invalid: false }]);
});

it('an invalid row settles with no range of the log again', async () => {
  const { groups } = await own.readAgain({ after: 0, upTo: 4, at: 'infinity' });
  expect(groups.flatMap(({ rows }) => rows.map(({ id }) => id))).toEqual([3, 4]);
});

it('an invalid row that the disk refuses fails like any other', async () => {
  await own.failing.add([{ id: 2, error: 'EROFS' }]);
  expect(await log.counts()).toMatchObject([{ failing: 2, invalid: 0 }]);
});

it('a failing row whose key is found to be invalid is kept as that, and not tried any more', async () => {
  await own.failing.keepInvalid([{ id: 1, error: 'NULL' }]);
  expect(await log.counts()).toMatchObject([{ failing: 0, invalid: 2 }]);
  expect(await own.failing.due(9)).toEqual({ rows: [], nextMs: null });
});

it('keeps nothing that the log does not have, and only for itself', async () => {
  await own.failing.keepInvalid([{ id: 99, error: 'e' }]);
  await consumerOf(pool, { id: 'other' }).failing.keepInvalid([{ id: 2, error: 'e' }]);
  expect((await log.failing({})).map(({ consumer, id }) => [consumer, id])).toEqual([
    ['other', 2],
    ['root', 1],
    ['root', 2],
  ]);
});
