import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { reportSeen } from '../../src/postgres/consumer-table.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openLog } from '../../src/postgres/log.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { append, consumerOf } from './consumer.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';
import { forgetClearings } from './unsettled.ts';

const database = testDatabase();
const hourMs = 3_600_000;
let client: Client;
let pool: Pool;

beforeAll(async () => {
  client = await connect(database.config);
  pool = openPool(openHosts([database.config], patient));
  // How many rows each statement deletes.
  await client.query(`
    CREATE TABLE trimmed (rows int);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN INSERT INTO public.trimmed SELECT count(*) FROM gone; RETURN NULL; END $$;
    CREATE TRIGGER note AFTER DELETE ON uncached.log REFERENCING OLD TABLE AS gone
      FOR EACH STATEMENT EXECUTE FUNCTION note()`);
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
beforeEach(async () => {
  await forgetClearings(client);
  await client.query('TRUNCATE trimmed');
});

const consumer = (id: string, settledTo: number, state = 'live') =>
  client.query(
    `INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to, owner) VALUES ($1, 'files', 'files', $3, $2, $2, $1)`,
    [id, settledTo, state],
  );

const trim = ({ keepMs = 0 } = {}) => openLog(pool).trim({ keepMs });

/** The first id that is left, and how many are. */
const left = async () => {
  const { rows } = await client.query<{ first: number | null; rows: number }>(
    'SELECT min(id)::int AS first, count(*)::int AS rows FROM uncached.log',
  );
  return rows[0];
};

const claimedAt = (time: string, upTo: number) =>
  client.query(`UPDATE uncached.log SET claimed_at = ${time} WHERE id <= $1`, [upTo]);

describe('the log is trimmed', () => {
  it('up to what every consumer has settled that has not expired', async () => {
    await append(client, 10);
    await consumer('quick', 9);
    await consumer('slow', 4);
    await consumer('wiping', 6, 'wiping');
    await consumer('expired', 1, 'expired');
    await trim();
    expect(await left()).toEqual({ first: 5, rows: 6 });
    await client.query(`UPDATE uncached.consumer SET settled_to = 0 WHERE id = 'slow'`);
    await trim();
    expect(await left()).toEqual({ first: 5, rows: 6 });
  });

  it.each([
    ['nobody follows it', 'DELETE FROM uncached.consumer'],
    ['all who follow it have expired', `UPDATE uncached.consumer SET state = 'expired'`],
  ])('completely where %s: who comes is wiped', async (_why, sql) => {
    await append(client, 10);
    await consumer('one', 4);
    await client.query(sql);
    await trim();
    expect(await left()).toEqual({ first: null, rows: 0 });
  });

  it('but for what was claimed lately, which "uncached explain" can tell of', async () => {
    await append(client, 10);
    await consumer('one', 8);
    await claimedAt(`clock_timestamp() - interval '2 hours'`, 3);
    await trim({ keepMs: hourMs });
    expect(await left()).toEqual({ first: 4, rows: 7 });
  });

  it('when nothing is claimed any more, too', async () => {
    await append(client, 10);
    await consumer('one', 10);
    await claimedAt(`clock_timestamp() - interval '2 hours'`, 10);
    await trim({ keepMs: hourMs });
    expect(await left()).toEqual({ first: null, rows: 0 });
  });

  it.each([
    `clock_timestamp() + interval '400 days'`,
    `clock_timestamp() - interval '400 days'`,
    `'infinity'`,
  ])('of what was claimed at %s, by a clock that was set', async (time) => {
    await append(client, 10);
    await consumer('one', 8);
    await claimedAt(time, 5);
    await trim({ keepMs: hourMs });
    expect(await left()).toEqual({ first: 6, rows: 5 });
  });

  it('to 100,000 rows that are settled, however new, by statements of 10,000', async () => {
    await append(client, 230_500);
    await consumer('one', 230_500);
    await trim({ keepMs: hourMs });
    expect(await left()).toEqual({ first: 130_501, rows: 100_000 });
    const { rows } = await client.query(
      'SELECT rows, count(*)::int AS times FROM trimmed GROUP BY rows ORDER BY rows',
    );
    expect(rows).toEqual([
      { rows: 500, times: 1 },
      { rows: 10_000, times: 13 },
    ]);
  });

  it('not of one row that is unsettled, however many there are', async () => {
    await append(client, 130_000);
    await consumer('one', 10_000);
    await trim({ keepMs: hourMs });
    expect(await left()).toEqual({ first: 10_001, rows: 120_000 });
  });
});

describe('a consumer that is away', () => {
  const states = async () => {
    const { rows } = await client.query<{ id: string; state: string }>(
      'SELECT id, state FROM uncached.consumer ORDER BY id',
    );
    return Object.fromEntries(rows.map(({ id, state }) => [id, state]));
  };
  const report = (id: string) =>
    reportSeen(pool, { owner: id, leaseMs: 60_000 }, [{ id, clearedTo: 0, problem: null }]);

  it.each([
    ['expires', (time: string) => time],
    [
      "expires when the server's clock was set back by 400 days",
      (time: string) => `${time} + interval '400 days'`,
    ],
    [
      "expires when the server's clock was set forward by 400 days",
      (time: string) => `${time} - interval '400 days'`,
    ],
    ['expires, whatever time somebody has written', () => `'infinity'`],
  ])('%s, unless it reports after all', async (_what, seenAt) => {
    const { lastSeen, expire } = openLog(pool);
    const ids = ['advancing', 'away', 'joining', 'reporting', 'wiping'];
    for (const id of ids) await consumer(id, 0, id === 'wiping' ? 'wiping' : 'live');
    await consumer('expired', 0, 'expired');
    await client.query(`UPDATE uncached.consumer SET seen_at = ${seenAt('seen_at')}, problem = 'EROFS'`);
    const away = await lastSeen();
    expect(away.map(({ id }) => id).sort()).toEqual(ids);
    await report('reporting');
    const cursors = { from: 0, settledTo: 0, clearedTo: 0 };
    expect(await consumerOf(pool, { id: 'advancing', owner: 'advancing' }).advance(cursors)).toBe(true);
    expect(await consumerOf(pool, { id: 'joining', owner: 'other' }).join({ wiping: false })).toMatchObject({
      state: 'live',
    });
    await expire(away);
    expect(await states()).toEqual({
      advancing: 'live',
      away: 'expired',
      expired: 'expired',
      joining: 'live',
      reporting: 'live',
      wiping: 'expired',
    });
    expect((await lastSeen()).map(({ id }) => id).sort()).toEqual(['advancing', 'joining', 'reporting']);
    const { rows } = await client.query(
      `SELECT problem FROM uncached.consumer WHERE id IN ('away', 'wiping')`,
    );
    expect(rows).toEqual([{ problem: null }, { problem: null }]);
  });

  it('and has expired, sees that with each part of the log that it reads', async () => {
    await append(client, 3);
    await consumer('root', 0);
    const own = consumerOf(pool, { owner: 'root' });
    const { lastSeen, expire } = openLog(pool);
    expect(await own.read({ after: 0, limit: 10 })).toMatchObject({ state: 'live', upTo: 3 });
    await expire(await lastSeen());
    await trim();
    expect(await own.read({ after: 0, limit: 10 })).toMatchObject({ state: 'expired', groups: [] });
    expect(await own.readAgain({ after: 0, upTo: 3, at: '2100-01-01+00' })).toMatchObject({
      state: 'expired',
    });
  });
});

it('tells how far consumers are, and nothing of others', async () => {
  const { ends } = openLog(pool);
  expect(await ends(['a'])).toEqual({ newest: 0, settledTo: 0, failing: 0 });
  await append(client, 10);
  await consumer('a', 7);
  await consumer('a command', 5);
  await consumer('away', 1);
  await consumer('expired', 2, 'expired');
  for (const [id, of] of ['a', 'a', 'a', 'a command', 'away'].entries())
    await consumerOf(pool, { id: of }).failing.add([{ id: id + 1, error: 'e' }]);
  await consumerOf(pool, { id: 'a' }).failing.keepInvalid([{ id: 2, error: 'e' }]);
  await consumerOf(pool, { id: 'a' }).failing.settleLater([3], 1);
  expect(await ends(['a', 'a command'])).toEqual({ newest: 10, settledTo: 5, failing: 2 });
  expect(await ends(['a', 'expired'])).toEqual({ newest: 10, settledTo: 7, failing: 1 });
});
