import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { Journal, RecoveryScope } from '../../src/core/contracts.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openJournal } from '../../src/postgres/journal.ts';
import { pendingRows } from '../../src/postgres/pending.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
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

const failing = (retryAt: string, claimedAt = 'now()', clearedAt = 'NULL') =>
  client.query(
    `INSERT INTO uncached.journal (handler, key, owner, last_error, attempts, retry_at, claimed_at, cleared_at)
     VALUES ('h', '{}', 'me', 'e', 3, ${retryAt}, ${claimedAt}, ${clearedAt})`,
  );

const retake = () => journal.retake({ limit: 10, handlers: ['h'] });

it.each([
  ['was to come a second ago', `now() - interval '1 second'`],
  ['was set before the clock was set back by 400 days', `now() + interval '400 days'`],
  ['is infinite', `'infinity'`],
  ['is infinitely long ago', `'-infinity'`],
])('a try that %s is due now', async (_, retryAt) => {
  await failing(retryAt);
  expect(await journal.failing({})).toMatchObject([{ retryMs: expect.toSatisfy((ms: number) => ms <= 0) }]);
  expect(await retake()).toMatchObject({ rows: [{ id: 1 }] });
  expect(await retake()).toEqual({ rows: [], nextMs: null });
});

it('a try after the longest back-off waits, and the one before it is reported', async () => {
  await failing(`now() + interval '1 hour'`);
  await failing(`now() + interval '40 minutes'`);
  const { rows, nextMs } = await retake();
  expect(rows).toEqual([]);
  expect(Math.abs((nextMs ?? 0) - 40 * 60_000)).toBeLessThan(60_000);
});

it.each([`now() + interval '400 days'`, `'infinity'`])(
  'an age of what was claimed or cleared at %s is not negative',
  async (time) => {
    await failing('NULL', time, time);
    await client.query(`UPDATE uncached.journal SET enqueued_at = claimed_at`);
    const [row] = await journal.failing({});
    expect(row?.ageMs).toBe(0);
    expect(await pendingRows(pool, ['h'], () => true)).toMatchObject([{ claimedMs: 0, clearedMs: 0 }]);
    expect(await journal.counts()).toMatchObject([{ invalidMs: 0 }]);
    await client.query(`UPDATE uncached.journal SET last_error = NULL`);
    expect(await journal.counts()).toMatchObject([{ settlingMs: 0 }]);
    await client.query(`UPDATE uncached.journal SET cleared_at = NULL, last_error = NULL`);
    expect(await journal.counts()).toMatchObject([{ claimedMs: 0 }]);
  },
);

it('a claim of the future is forgotten, as one of long ago', async () => {
  await failing('NULL', `now() + interval '400 days'`);
  await failing('NULL', `now() - interval '1 hour'`);
  await failing('NULL', 'clock_timestamp()');
  await client.query('UPDATE uncached.journal SET last_error = NULL');
  const rows = await journal.unsettled({ after: 0, upTo: 9, limit: 10, which: 'abandoned' });
  expect(rows.map(({ id }) => id)).toEqual([1, 2]);
});

it('a row that fails again is not settling any more, and waits longer each time, up to an hour', async () => {
  await failing('NULL', 'now()', 'now()');
  // The fourth try, then the fifth: after 8 and 16 s.
  expect(await journal.fail([{ id: 1, error: 'e' }])).toBeGreaterThan(4_000);
  expect(await journal.counts()).toMatchObject([{ failing: 1, settling: 0, invalid: 0 }]);
  expect(await journal.fail([{ id: 1, error: 'e' }])).toBeGreaterThan(8_000);
  await client.query('UPDATE uncached.journal SET attempts = 100');
  const ms = await journal.fail([{ id: 1, error: 'e' }]);
  expect(ms).toBeLessThanOrEqual(3_600_000);
  expect(ms).toBeGreaterThan(3_500_000);
});

it('takes no failing row of a handler that is not asked for', async () => {
  await failing('now()');
  expect(await journal.retake({ limit: 10, handlers: ['other'] })).toEqual({ rows: [], nextMs: null });
  expect(await retake()).toMatchObject({ rows: [{ id: 1 }] });
});

it('reads all rows, or those that neither wait for a retry nor are kept as invalid', async () => {
  await failing(`now() + interval '1 hour'`);
  await failing('NULL', 'now()', 'now()');
  await client.query(
    `INSERT INTO uncached.journal (handler, key, owner, cleared_at)
     VALUES ('h', '{}', 'me', NULL), ('h', '{}', 'me', now()), ('h', '{}', 'other', NULL)`,
  );
  const read = async (which: RecoveryScope) =>
    (await journal.unsettled({ after: 0, upTo: 9, limit: 10, which })).map(({ id }) => id);
  expect(await read('all')).toEqual([1, 2, 3, 4]);
  expect(await read('not-waiting')).toEqual([3, 4]);
});

it('keeps of an error what can be read', async () => {
  await failing('NULL');
  await journal.fail([{ id: 1, error: `column slug is "${'x'.repeat(8_000)}", which contains "/"` }]);
  const { rows } = await client.query<{ last_error: string; attempts: number }>(
    'SELECT last_error, attempts FROM uncached.journal',
  );
  expect(rows).toMatchObject([
    { attempts: 4, last_error: expect.stringMatching(/^column slug is "x{984}$/) },
  ]);
});

it('fails, lists, retries and drops any number of rows, a part at a time', async () => {
  const count = 25_000;
  await client.query(
    `INSERT INTO uncached.journal (handler, key, owner) SELECT 'h', '{}', 'me' FROM generate_series(1, $1::int)`,
    [count],
  );
  const ids = Array.from({ length: count }, (_, at) => at + 1);
  const soonestMs = await journal.fail(ids.map((id) => ({ id, error: 'e' })));
  expect(soonestMs).toBeLessThanOrEqual(1_000);
  expect((await journal.failing({})).map(({ id }) => id)).toEqual(ids);
  expect((await journal.failing({}, 12_000)).map(({ id }) => id)).toEqual(ids.slice(0, 12_000));
  expect(await journal.retryNow({ ids: ids.slice(0, 12_000) })).toBe(12_000);
  expect(await journal.drop({ handler: 'h' })).toBe(count);
});
