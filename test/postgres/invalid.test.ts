import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Journal, RecoveryScope } from '../../src/core/contracts.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openJournal } from '../../src/postgres/journal.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
let client: Client;
let pool: Pool;
let journal: Journal;

/** Rows: 1 is claimed, 2 is settling, 3 fails, 4 is invalid and settled. */
beforeAll(async () => {
  client = await connect(database.config);
  pool = openPool(openHosts([database.config]));
  journal = openJournal(pool, { owner: 'me', leaseMs: 60_000 });
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
beforeEach(async () => {
  await client.query('TRUNCATE uncached.journal RESTART IDENTITY');
  await client.query(`
    INSERT INTO uncached.journal (handler, key, owner, claimed_at, cleared_at, last_error, retry_at) VALUES
      ('h', '{}', 'me', now() - interval '1 day', NULL, NULL, NULL),
      ('h', '{}', 'me', now() - interval '1 day', now() - interval '10 s', NULL, NULL),
      ('h', '{}', 'me', now() - interval '1 day', NULL, 'EROFS', now() + interval '1 hour'),
      ('h', '{}', 'me', now() - interval '3 hours', NULL, NULL, NULL)`);
  const { found, at } = await journal.snapshot([4], [4]);
  expect(found).toEqual([4]);
  await journal.keepInvalid([{ id: 4, error: 'NULL' }], at);
});

const idsOf = async (which: RecoveryScope) =>
  (await journal.unsettled({ after: 0, upTo: 9, limit: 9, which })).map(({ id }) => id);

it('an invalid row counts as nothing else', async () => {
  const [count] = await journal.counts();
  expect(count).toMatchObject({ claimed: 1, settling: 1, failing: 1, invalid: 1, error: 'EROFS' });
  expect(Math.round((count?.invalidMs ?? 0) / 1_000)).toBeCloseTo(3 * 3_600, -2);
  expect(count?.settlingMs).toBeGreaterThan(9_000);
  await client.query('DELETE FROM uncached.journal WHERE id <> 4');
  expect(await journal.counts()).toMatchObject([
    { claimed: 0, settling: 0, failing: 0, claimedMs: null, settlingMs: null, error: null },
  ]);
});

it('an invalid row is read again by a start alone, and no time comes for it', async () => {
  expect(await idsOf('all')).toEqual([1, 2, 3, 4]);
  expect(await idsOf('not-waiting')).toEqual([1, 2]);
  expect(await idsOf('abandoned')).toEqual([1]);
  const read = await journal.unsettled({ after: 0, upTo: 9, limit: 9, which: 'all' });
  expect(read.map(({ invalid }) => invalid)).toEqual([false, false, false, true]);
  await client.query('DELETE FROM uncached.journal WHERE id <> 4');
  expect(await journal.retake({ limit: 9, handlers: ['h'] })).toEqual({ rows: [], nextMs: null });
});

it('an invalid row is listed, and read again when it is to be retried', async () => {
  expect((await journal.failing({})).map(({ id, invalid }) => [id, invalid])).toEqual([
    [3, false],
    [4, true],
  ]);
  expect((await journal.failing({ invalid: false })).map(({ id }) => id)).toEqual([3]);
  expect((await journal.failing({ invalid: true })).map(({ id }) => id)).toEqual([4]);
  expect(await journal.retryNow({ ids: [4] })).toBe(1);
  expect(await idsOf('not-waiting')).toEqual([1, 2, 4]);
  expect(await idsOf('abandoned')).toEqual([1, 4]);
});

it('an invalid row of a dead daemon is taken over as what it is; one of a living daemon is not waited for', async () => {
  await client.query(`UPDATE uncached.journal SET owner = CASE id WHEN 4 THEN 'alive' ELSE 'dead' END`);
  const other = await connect(database.config);
  await other.query(`SET application_name = 'uncached alive'`);
  const range = { handlers: ['h'], after: 0, upTo: 9 };
  expect(await journal.takeOver(range)).toMatchObject({ taken: 3, others: 0 });
  await other.end();
  await client.query(`UPDATE uncached.journal SET owner = 'dead'`);
  expect(await journal.takeOver(range)).toMatchObject({ taken: 4, others: 0 });
  expect(await idsOf('not-waiting')).toEqual([1, 2]);
  expect(await journal.counts()).toMatchObject([{ claimed: 2, settling: 0, failing: 1, invalid: 1 }]);
});

it('an invalid row that the disk refuses fails like any other', async () => {
  await journal.fail([{ id: 4, error: 'EROFS' }]);
  expect(await journal.counts()).toMatchObject([{ failing: 2, invalid: 0 }]);
});

it('keeps nothing that is not its own, or was claimed after it was settled', async () => {
  await journal.keepInvalid([{ id: 1, error: 'e' }], '2000-01-01+00');
  await client.query(`UPDATE uncached.journal SET owner = 'other' WHERE id = 2`);
  await journal.keepInvalid([{ id: 2, error: 'e' }], '2100-01-01+00');
  expect(await journal.counts()).toMatchObject([{ invalid: 1 }]);
});
