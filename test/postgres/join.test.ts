import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { forgetConsumer, releaseConsumers } from '../../src/postgres/consumer-table.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { append, consumerOf } from './consumer.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';
import { forgetClearings } from './unsettled.ts';

const database = testDatabase();
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

const join = (
  owner = 'me',
  {
    id = 'root',
    startsEmpty = false,
    ...how
  }: { id?: string; startsEmpty?: boolean; wiping?: boolean; from?: number } = {},
) => consumerOf(pool, { owner, id, startsEmpty }).join({ wiping: false, ...how });

/** Lets a consumer of `owner` settle all rows appended so far. */
async function follow(owner: string, count: number, id = 'root') {
  const own = consumerOf(pool, { owner, id });
  const joined = await own.join({ wiping: false });
  await append(client, count);
  await own.advance({ from: joined?.settledTo ?? 0, settledTo: count, clearedTo: count });
  return own;
}

const rowOf = async (id = 'root') => {
  const { rows } = await client.query(
    `SELECT state, owner, settled_to::int AS settled, cleared_to::int AS cleared FROM uncached.consumer WHERE id = $1`,
    [id],
  );
  return rows[0];
};

async function whileSomebodyIs<T>(
  name: string,
  use: () => Promise<T>,
  user = database.config.user,
): Promise<T> {
  const other = new Client({ ...database.config, user, application_name: name });
  await other.connect();
  try {
    await other.query('SELECT 1');
    return await use();
  } finally {
    await other.end();
  }
}

describe('a consumer that the database does not know', () => {
  it('has missed nothing where nothing was ever claimed', async () => {
    expect(await join()).toMatchObject({ state: 'live', settledTo: 0 });
    expect(await join('me', { id: 'second' })).toMatchObject({ state: 'new', settledTo: 0 });
  });

  it('is wiped where something was claimed, even if that was trimmed and nobody is known any more', async () => {
    await append(client, 3);
    await client.query('DELETE FROM uncached.log');
    expect(await join()).toMatchObject({ state: 'new', settledTo: 0 });
    expect(await rowOf()).toMatchObject({ state: 'wiping', settled: 0, cleared: 0 });
  });

  it('begins where the others are that have settled all, if that was trimmed', async () => {
    await follow('other', 3, 'another');
    await client.query('DELETE FROM uncached.log');
    expect(await join()).toMatchObject({ state: 'new', settledTo: 3 });
  });

  it('begins with the next row, and is not wiped, where nothing is cached before the first', async () => {
    await append(client, 3);
    expect(await join('me', { startsEmpty: true })).toMatchObject({ state: 'live', settledTo: 3 });
  });

  it('begins with what its own daemon has claimed before, and has missed nothing if that was the first ever', async () => {
    await append(client, 3);
    expect(await join('me', { from: 1 })).toMatchObject({ state: 'live', settledTo: 0 });
    expect(await join('me', { id: 'second', from: 1 })).toMatchObject({ state: 'new', settledTo: 0 });
    expect(await join('me', { id: 'third', from: 2 })).toMatchObject({ state: 'new', settledTo: 1 });
    expect(await join('me', { id: 'fourth', from: 2, startsEmpty: true })).toMatchObject({
      state: 'live',
      settledTo: 1,
    });
    expect(await join('me', { id: 'fifth', from: 9 })).toMatchObject({ state: 'new', settledTo: 3 });
    // One that is known goes on where it was.
    expect(await join('me', { id: 'fifth', from: 2 })).toMatchObject({ state: 'wiping', settledTo: 1 });
    await client.query(
      `UPDATE uncached.consumer SET state = 'live', settled_to = 3, cleared_to = 3 WHERE id = 'fifth'`,
    );
    expect(await join('me', { id: 'fifth', from: 2 })).toMatchObject({ state: 'live', settledTo: 3 });
  });

  // A producer may still see the entries of that claim, and skip its own.
  it('reads what a claim brings that is under way', async () => {
    await append(client, 3);
    const claiming = await connect(database.config);
    await claiming.query(`BEGIN; INSERT INTO uncached.log (handler, key) VALUES ('h', '{}')`);
    expect(await join()).toMatchObject({ state: 'new', settledTo: 3 });
    await claiming.query('COMMIT');
    await claiming.end();
    expect(await consumerOf(pool).read({ after: 3, limit: 10 })).toMatchObject({ upTo: 4 });
  });

  it('is wiped if its content is unknown, however new the database is', async () => {
    expect(await join('me', { wiping: true })).toMatchObject({ state: 'new', settledTo: 0 });
  });
});

describe('a consumer that the database knows', () => {
  it('goes on where it was', async () => {
    await follow('me', 5);
    await append(client, 2);
    await client.query('UPDATE uncached.consumer SET cleared_to = 6');
    expect(await join()).toEqual({ state: 'live', settledTo: 5, clearedTo: 6 });
    expect(await rowOf()).toEqual({ state: 'live', owner: 'me', settled: 5, cleared: 6 });
  });

  it.each([
    ['its content is unknown', true, 'live', 'wiping'],
    ['a wipe has not ended', false, 'wiping', 'wiping'],
    ['it has expired', false, 'expired', 'expired'],
    ['it has expired, and its content is unknown, too', true, 'expired', 'expired'],
  ])('begins at the newest row, to be wiped, if %s', async (_why, wiping, state, expected) => {
    const own = await follow('me', 5);
    await client.query('UPDATE uncached.consumer SET state = $1', [state]);
    await append(client, 2);
    expect(await own.join({ wiping })).toMatchObject({ state: expected, settledTo: 7 });
    expect(await rowOf()).toEqual({ state: 'wiping', owner: 'me', settled: 7, cleared: 7 });
    expect(await own.becomeLive(7)).toBe(true);
    expect(await rowOf()).toMatchObject({ state: 'live' });
    expect(await own.join({ wiping: false })).toMatchObject({ state: 'live', settledTo: 7 });
  });

  it.each([
    ['live', 5],
    ['wiping', 5],
    ['expired', 7],
  ])('goes on where it was if nothing empties it (%s)', async (state, settled) => {
    await follow('me', 5);
    await client.query('UPDATE uncached.consumer SET state = $1', [state]);
    await append(client, 2);
    await consumerOf(pool, { canBeWiped: false }).join({ wiping: state === 'live' });
    expect(await rowOf()).toMatchObject({ state: 'wiping', settled, cleared: settled });
  });

  // It would not see rows with ids that it has settled.
  it.each([
    ['was emptied with RESTART IDENTITY', 'TRUNCATE uncached.log RESTART IDENTITY', 0],
    ['is an older one', `DELETE FROM uncached.log WHERE id > 3; SELECT setval('uncached.log_id_seq', 3)`, 3],
    [
      'is older than what it has cleared',
      `UPDATE uncached.consumer SET settled_to = 2; SELECT setval('uncached.log_id_seq', 4)`,
      4,
    ],
  ])('is new, and wiped, if the log %s', async (_what, sql, newest) => {
    await follow('me', 5);
    await client.query(sql);
    expect(await join()).toMatchObject({ state: 'new', settledTo: newest });
    expect(await rowOf()).toMatchObject({ state: 'wiping', settled: newest, cleared: newest });
  });

  it('is new once it was forgotten', async () => {
    await follow('me', 5);
    for (const found of [true, false]) expect(await forgetConsumer(pool, 'root')).toBe(found);
    expect((await consumerOf(pool).read({ after: 5, limit: 10 })).state).toBeUndefined();
    expect(await join()).toMatchObject({ state: 'new', settledTo: 5 });
  });
});

describe('the consumer of another daemon', () => {
  it.each(['uncached alive', 'uncached alive listener'])(
    'is left to it while there is a session "%s", and taken over when that has ended',
    async (name) => {
      await follow('alive', 2);
      await whileSomebodyIs(name, async () => expect(await join()).toBeUndefined());
      expect(await rowOf()).toMatchObject({ owner: 'alive' });
      expect(await join()).toMatchObject({ state: 'live', settledTo: 2 });
      expect(await rowOf()).toMatchObject({ owner: 'me' });
    },
  );

  it('is taken over at once when it was released', async () => {
    await follow('alive', 2);
    await follow('alive', 2, 'second');
    await whileSomebodyIs('uncached alive', async () => {
      await releaseConsumers(pool, 'alive');
      expect(await join()).toMatchObject({ state: 'live', settledTo: 2 });
      expect(await join('me', { id: 'second' })).toMatchObject({ state: 'wiping', settledTo: 4 });
    });
  });

  it.each([
    ['for longer than its lease: it hangs', `interval '-61 seconds'`],
    ["since the server's clock was set back by 400 days", `interval '400 days'`],
    ["since the server's clock was set forward by 400 days", `interval '-400 days'`],
  ])('is taken over if it has not reported %s', async (_why, ago) => {
    await follow('alive', 2);
    await whileSomebodyIs('uncached alive', async () => {
      await client.query(`UPDATE uncached.consumer SET seen_at = clock_timestamp() + ${ago}`);
      expect(await join()).toMatchObject({ state: 'live', settledTo: 2 });
    });
  });

  it('is not kept by an impostor with its name, and is by a daemon of another role that may have it', async () => {
    await client.query('DROP ROLE IF EXISTS uncached_other; CREATE ROLE uncached_other LOGIN');
    try {
      await follow('alive', 2);
      const attempt = () => whileSomebodyIs('uncached alive', () => join(), 'uncached_other');
      await client.query('GRANT uncached TO uncached_other');
      expect(await attempt()).toBeUndefined();
      await client.query('REVOKE uncached FROM uncached_other');
      expect(await attempt()).toMatchObject({ state: 'live', settledTo: 2 });
    } finally {
      await client.query('DROP ROLE uncached_other');
    }
  });

  it('is had by one of two that come at the same moment', async () => {
    await follow('dead', 2);
    const names = ['one', 'two', 'three', 'four'];
    const sessions = names.map(
      (name) => new Client({ ...database.config, application_name: `uncached ${name}` }),
    );
    await Promise.all(sessions.map((session) => session.connect()));
    try {
      const joined = await Promise.all(names.map((name) => join(name)));
      expect(joined.filter((id) => id !== undefined)).toEqual([
        { state: 'live', settledTo: 2, clearedTo: 2 },
      ]);
    } finally {
      await Promise.all(sessions.map((session) => session.end()));
    }
  });
});
