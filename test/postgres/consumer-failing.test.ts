import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FailingRowsOfConsumer, Log } from '../../src/core/consumer-contract.ts';
import { forgetConsumer } from '../../src/postgres/consumer-table.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openLog } from '../../src/postgres/log.ts';
import { pendingRows } from '../../src/postgres/pending.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { append, consumerOf } from './consumer.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';
import { forgetClearings } from './unsettled.ts';

const database = testDatabase();
let client: Client;
let pool: Pool;
let own: FailingRowsOfConsumer;
let log: Log;

beforeAll(async () => {
  client = await connect(database.config);
  pool = openPool(openHosts([database.config], patient));
  own = consumerOf(pool).failing;
  log = openLog(pool);
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
beforeEach(async () => {
  await forgetClearings(client);
  await consumerOf(pool).join({ wiping: false });
});

/** Rows of the log that fail since the fourth try. */
const fails = (retryAt: string, { claimedAt = 'now()', count = 1, consumer = 'root' } = {}) =>
  client.query(`
    WITH row AS (INSERT INTO uncached.log (handler, key, claimed_at, enqueued_at)
                 SELECT 'h', '{}', ${claimedAt}, ${claimedAt} FROM generate_series(1, ${count}) RETURNING *)
    INSERT INTO uncached.failing (consumer, id, handler, key, enqueued_at, claimed_at, attempts, last_error, retry_at)
    SELECT '${consumer}', id, handler, key, enqueued_at, claimed_at, 3, 'e', ${retryAt} FROM row`);

const idsOf = (rows: readonly { id: number }[]) => rows.map(({ id }) => id);
const dueIds = async () => idsOf((await own.due(10)).rows);

describe('a retry', () => {
  it.each([
    ['was to come a second ago', `now() - interval '1 second'`],
    ['was set before the clock was set back by 400 days', `now() + interval '400 days'`],
    ['was set before the clock was set forward by 400 days', `now() - interval '400 days'`],
    ['is infinite', `'infinity'`],
    ['is infinitely long ago', `'-infinity'`],
  ])('that %s is due now', async (_, retryAt) => {
    await fails(retryAt);
    expect(await log.failing({})).toMatchObject([{ retryMs: expect.toSatisfy((ms: number) => ms <= 0) }]);
    expect(await own.due(10)).toMatchObject({ rows: [{ id: 1 }] });
    await own.settleLater([1], 1);
    expect(await own.due(10)).toEqual({ rows: [], nextMs: null });
  });

  it('after the longest back-off waits, and the one before it is reported', async () => {
    await fails(`now() + interval '1 hour'`);
    await fails(`now() + interval '40 minutes'`);
    const { rows, nextMs } = await own.due(10);
    expect(rows).toEqual([]);
    expect(Math.abs((nextMs ?? 0) - 40 * 60_000)).toBeLessThan(60_000);
  });

  it('comes in the order in which it was set, so many at a time', async () => {
    await fails(`now() - interval '1 second'`);
    await fails(`now() - interval '3 seconds'`);
    await fails(`now() - interval '2 seconds'`);
    expect(idsOf((await own.due(2)).rows)).toEqual([2, 3]);
  });

  it('is of one cache, and of a handler that it has', async () => {
    await fails('now()');
    await fails('now()', { consumer: 'other' });
    const strange = consumerOf(pool, { handlers: ['other'] }).failing;
    expect(await strange.due(10)).toEqual({ rows: [], nextMs: null });
    expect(await dueIds()).toEqual([1]);
  });
});

it.each([`now() + interval '400 days'`, `'infinity'`])(
  'an age of what was claimed at %s is not negative',
  async (claimedAt) => {
    await fails('NULL', { claimedAt });
    expect(await log.failing({})).toMatchObject([{ ageMs: 0 }]);
    expect(await pendingRows(pool, ['h'], () => true)).toMatchObject([{ claimedMs: 0 }]);
    expect(await log.counts()).toMatchObject([{ failingMs: 0 }]);
    await client.query('UPDATE uncached.failing SET invalid = true');
    expect(await log.counts()).toMatchObject([{ invalidMs: 0 }]);
    await client.query('DELETE FROM uncached.failing');
    expect(await log.counts()).toMatchObject([{ claimedMs: 0 }]);
    await client.query('UPDATE uncached.consumer SET cleared_to = 1');
    expect(await log.counts()).toMatchObject([{ settlingMs: 0 }]);
  },
);

describe('a row that fails', () => {
  it('is kept, although the log goes on without it', async () => {
    await append(client, 2);
    // The first retry after a second.
    const ms = await own.add([{ id: 2, error: 'EROFS' }]);
    expect(ms).toBeGreaterThan(0);
    expect(ms).toBeLessThanOrEqual(1_000);
    await client.query('DELETE FROM uncached.log');
    expect(await log.failing({})).toMatchObject([
      { id: 2, consumer: 'root', handler: 'h', key: { slug: '2' }, error: 'EROFS', attempts: 1 },
    ]);
  });

  it('again waits longer each time, up to an hour, and is not settling any more', async () => {
    await fails('NULL');
    await own.settleLater([1], 7);
    expect(await log.counts()).toMatchObject([{ failing: 0, settling: 1 }]);
    // The fourth try, then the fifth: after 8 and 16 s.
    expect(await own.add([{ id: 1, error: 'e' }])).toBeGreaterThan(4_000);
    expect(await log.counts()).toMatchObject([{ failing: 1, settling: 0, invalid: 0 }]);
    expect(await own.inCohorts([7], 0)).toEqual([]);
    expect(await own.add([{ id: 1, error: 'e' }])).toBeGreaterThan(8_000);
    await client.query('UPDATE uncached.failing SET attempts = 100');
    const ms = await own.add([{ id: 1, error: 'e' }]);
    expect(ms).toBeLessThanOrEqual(3_600_000);
    expect(ms).toBeGreaterThan(3_500_000);
  });

  it('keeps of the error what can be read', async () => {
    await append(client);
    await own.add([{ id: 1, error: `column slug is "${'x'.repeat(8_000)}", which contains "/"` }]);
    const { rows } = await client.query('SELECT last_error, attempts FROM uncached.failing');
    expect(rows).toEqual([{ attempts: 1, last_error: expect.stringMatching(/^column slug is "x{984}$/) }]);
  });

  it('in one cache is none in another', async () => {
    await append(client);
    await own.add([{ id: 1, error: 'e' }]);
    const other = consumerOf(pool, { id: 'other' });
    const part = { groups: [{ rows: [{ id: 1 }] }] };
    expect(await other.readAgain({ after: 0, upTo: 1, at: 'infinity' })).toMatchObject(part);
    // It settles when a retry succeeds.
    expect(await consumerOf(pool).readAgain({ after: 0, upTo: 1, at: 'infinity' })).toMatchObject({
      groups: [],
      upTo: 1,
    });
    await other.failing.add([{ id: 1, error: 'another' }]);
    await own.settleLater([1], 2);
    await own.remove([1], [2]);
    expect(await log.failing({})).toMatchObject([{ consumer: 'other', error: 'another', attempts: 1 }]);
  });

  it('where the cache has expired, or was forgotten, is counted no more', async () => {
    await fails('now()');
    expect(await log.counts()).toMatchObject([{ failing: 1 }]);
    await client.query(`UPDATE uncached.consumer SET state = 'expired', settled_to = 1, cleared_to = 1`);
    expect(await log.counts()).toEqual([]);
    expect(await pendingRows(pool, ['h'], () => true)).toEqual([]);
    expect(await log.failing({})).toHaveLength(1);
    await fails('now()', { consumer: 'other' });
    await forgetConsumer(pool, 'root');
    expect(await log.failing({})).toMatchObject([{ consumer: 'other' }]);
  });
});

describe('what a run before has left', () => {
  beforeEach(async () => {
    await fails(`now() + interval '1 hour'`, { count: 3 });
    await own.settleLater([2], 5);
    await client.query('UPDATE uncached.failing SET invalid = true, retry_at = NULL WHERE id = 3');
    await fails(`now() + interval '1 hour'`, { consumer: 'other' });
  });

  it('is due at its start, all of it', async () => {
    await own.restart('all');
    expect((await dueIds()).sort()).toEqual([1, 2, 3]);
    expect(await own.inCohorts([5], 0)).toEqual([]);
    expect((await log.failing({ consumer: 'other' }))[0]?.retryMs).toBeGreaterThan(0);
  });

  it('is due after an outage, as far as it was to settle', async () => {
    await own.restart('cohorts');
    expect(await dueIds()).toEqual([2]);
    expect(await own.inCohorts([5], 0)).toEqual([]);
  });
});

describe('rows that are passed on', () => {
  const [zone, cdn, edge] = ['root nginx pages', 'root purge cdn', 'root purge edge'] as const;
  const passOn = (ids: readonly number[]) =>
    consumerOf(pool, { id: zone, behind: [cdn, edge] }).failing.passOn(ids);
  const dueIn = async (id: string) => idsOf((await consumerOf(pool, { id }).failing.due(10)).rows);

  beforeEach(async () => {
    for (const id of [zone, cdn, edge, 'root purge varnish'])
      await consumerOf(pool, { id }).join({ wiping: false });
    await fails('NULL', { consumer: zone, count: 2 });
  });

  it('are due in what stands behind the cache, whatever its id, and nowhere else', async () => {
    await passOn([2]);
    expect([await dueIn(cdn), await dueIn(edge)]).toEqual([[2], [2]]);
    expect([await dueIn(zone), await dueIn('root purge varnish'), await dueIds()]).toEqual([[], [], []]);
  });

  it('are due again where they are to settle already', async () => {
    await passOn([1, 2]);
    const outer = consumerOf(pool, { id: cdn }).failing;
    await outer.settleLater([1, 2], 7);
    expect(await dueIn(cdn)).toEqual([]);
    await passOn([2]);
    expect(await dueIn(cdn)).toEqual([2]);
    expect(idsOf(await outer.inCohorts([7], 0))).toEqual([1]);
  });

  it('stay where they were being settled in that moment', async () => {
    await passOn([1, 2]);
    const outer = consumerOf(pool, { id: cdn }).failing;
    await outer.settleLater([1, 2], 7);
    await passOn([2]);
    await outer.remove([1, 2], [6, 7]);
    expect(await dueIn(cdn)).toEqual([2]);
    await outer.settleLater([2], 8);
    await outer.remove([1, 2], [6, 7]);
    expect(idsOf(await outer.inCohorts([8], 0))).toEqual([2]);
  });

  it('are nothing to one that has expired, is not registered, or does not clear for their handler', async () => {
    await client.query(`UPDATE uncached.consumer SET state = 'expired' WHERE id = $1`, [cdn]);
    await forgetConsumer(pool, edge);
    await passOn([1, 2]);
    await consumerOf(pool, { id: edge, handlers: ['other'] }).join({ wiping: false });
    await passOn([1, 2]);
    expect(await log.failing({})).toMatchObject([{ consumer: zone }, { consumer: zone }]);
  });
});
