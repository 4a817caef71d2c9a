import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
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
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
beforeEach(() => forgetClearings(client));

/** Joins with what its daemon has claimed before, and returns the state that the database has then, too. */
async function join(from: number, { id = 'root', startsEmpty = false } = {}) {
  const joined = await consumerOf(pool, { id, startsEmpty }).join({ wiping: false, from });
  const { rows } = await client.query<{ state: string }>(
    'SELECT state FROM uncached.consumer WHERE id = $1',
    [id],
  );
  return { ...joined, kept: rows[0]?.state };
}

/** The first so many rows of the log are as old as `keep` no longer allows. */
async function trimmed(rows: number): Promise<void> {
  await client.query(
    `UPDATE uncached.log SET claimed_at = clock_timestamp() - interval '2 hours' WHERE id <= $1`,
    [rows],
  );
  await openLog(pool).trim({ keepMs: hourMs });
  const { rows: left } = await client.query('SELECT FROM uncached.log WHERE id <= $1', [rows]);
  expect(left).toEqual([]);
}

const live = { state: 'live', kept: 'live' };
const wiped = { state: 'new', kept: 'wiping' };

describe('a consumer that is registered after its daemon has claimed', () => {
  it.each([
    ['has missed nothing where nothing', 0, live],
    ['is wiped where the first row', 1, wiped],
    ['is wiped where all of it', 3, wiped],
  ])('%s was trimmed', async (_what, rows, expected) => {
    await append(client, 3);
    await trimmed(rows);
    expect(await join(1)).toMatchObject(expected);
  });

  // Nobody knows whether a row had the first id, and was trimmed.
  it('is wiped where a claim was undone that was given the first id', async () => {
    await client.query(`BEGIN; INSERT INTO uncached.log (handler, key) VALUES ('h', '{}'); ROLLBACK`);
    await append(client, 3);
    expect(await join(2)).toMatchObject(wiped);
  });

  it.each([
    ['begins with its first row where only those before it', 1, { ...live, settledTo: 1 }],
    ['does all there is to do, once, where its first row', 2, wiped],
    ['does all there is to do, once, where all of it', 3, wiped],
  ])('and had nothing cached, %s was trimmed', async (_what, rows, expected) => {
    await append(client, 3);
    await trimmed(rows);
    expect(await join(2, { id: 'root command h', startsEmpty: true })).toMatchObject(expected);
  });
});
