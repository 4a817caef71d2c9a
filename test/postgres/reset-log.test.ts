import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ConsumerLogOptions } from '../../src/postgres/consumer-log.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openLog } from '../../src/postgres/log.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { append, consumerOf } from './consumer.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';
import { forgetClearings } from './unsettled.ts';

const database = testDatabase();
const reset = 'TRUNCATE uncached.log RESTART IDENTITY';
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
beforeEach(async () => {
  await forgetClearings(client);
  await append(client, 3);
  for (const id of ['root', 'other']) {
    const { failing } = consumerOf(pool, { id });
    await consumerOf(pool, { id }).join({ wiping: false });
    await failing.add([{ id: 1, error: 'EROFS' }]);
    await failing.keepInvalid([{ id: 2, error: 'NULL' }]);
  }
  await client.query(`UPDATE uncached.consumer SET state = 'live', settled_to = 3, cleared_to = 3`);
});

const join = (given: Partial<ConsumerLogOptions> = {}) => consumerOf(pool, given).join({ wiping: false });

/** The ids of the rows that fail there, and their keys. */
const failing = async (consumer = 'root') =>
  (await openLog(pool).failing({ consumer })).map(({ id, key }) => [id, key]);
const before = [
  [1, { slug: '1' }],
  [2, { slug: '2' }],
];

describe('where the log was emptied and gives its ids again, a consumer that joins', () => {
  it('gives up the rows that failed before, so that new ones are cleared twice, and are kept if they fail', async () => {
    await client.query(reset);
    expect(await join()).toMatchObject({ state: 'new', settledTo: 0 });
    expect(await failing()).toEqual([]);
    await client.query(
      `INSERT INTO uncached.log (handler, key) SELECT 'h', jsonb_build_object('slug', 'new ' || i) FROM generate_series(1, 2) AS i`,
    );
    const own = consumerOf(pool);
    const { groups } = await own.readAgain({ after: 0, upTo: 2, at: 'infinity' });
    expect(groups.flatMap(({ rows }) => rows.map(({ id }) => id))).toEqual([1, 2]);
    await own.failing.add([{ id: 1, error: 'EROFS' }]);
    await own.failing.keepInvalid([{ id: 2, error: 'NULL' }]);
    expect(await failing()).toEqual([
      [1, { slug: 'new 1' }],
      [2, { slug: 'new 2' }],
    ]);
  });

  it('gives them up where the log has grown since, too, and only its own', async () => {
    await client.query(reset);
    await append(client, 2);
    expect(await join()).toMatchObject({ state: 'new', settledTo: 2 });
    expect(await failing()).toEqual([]);
    expect(await failing('other')).toEqual(before);
  });

  // They are retried: no wipe clears what they name.
  it('keeps those that can still be cleared, if nothing empties it', async () => {
    await client.query(reset);
    expect(await join({ canBeWiped: false })).toMatchObject({ state: 'new' });
    expect(await failing()).toEqual(before.slice(0, 1));
  });

  it('begins again if its daemon died before it was registered', async () => {
    await client.query(`${reset};
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''died''; END';
      CREATE TRIGGER die BEFORE DELETE ON uncached.failing EXECUTE FUNCTION die()`);
    try {
      await expect(join()).rejects.toThrow('died');
    } finally {
      await client.query('DROP FUNCTION die CASCADE');
    }
    expect(await join()).toMatchObject({ state: 'new', settledTo: 0 });
    expect(await failing()).toEqual([]);
  });

  it('leaves what has failed since another daemon registered it at the same moment', async () => {
    await client.query(reset);
    let looked = false;
    const query = async (...given: Parameters<Pool['query']>) => {
      const answer = await pool.query(...given);
      if (!looked) {
        looked = true;
        const other = consumerOf(pool, { owner: 'quick' });
        await other.join({ wiping: false });
        await append(client, 1);
        await other.failing.add([{ id: 1, error: 'EROFS' }]);
      }
      return answer;
    };
    await join({ pool: { ...pool, query: query as Pool['query'] } });
    expect(await failing()).toEqual([[1, { slug: '1' }]]);
  });

  it('leaves all to another daemon that has it', async () => {
    await client.query(`${reset}; UPDATE uncached.consumer SET owner = 'alive'`);
    const alive = new Client({ ...database.config, application_name: 'uncached alive' });
    await alive.connect();
    try {
      expect(await join()).toBeUndefined();
      expect(await failing()).toEqual(before);
    } finally {
      await alive.end();
    }
  });
});

it.each(['live', 'wiping', 'expired'])(
  'where it goes on, the rows that fail are kept (%s)',
  async (state) => {
    await client.query('UPDATE uncached.consumer SET state = $1', [state]);
    expect(await join()).toMatchObject({ state });
    expect(await failing()).toEqual(before);
  },
);
