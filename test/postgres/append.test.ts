import type { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openLog } from '../../src/postgres/log.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { logSql } from '../../src/postgres/sql-files.ts';
import { connect } from '../sql/connect.ts';
import { notificationsOf } from '../sql/notifications.ts';
import { untilBlocked } from './blocked.ts';
import { consumerOf } from './consumer.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
let client: Client;
let holder: Client;
let pools: Pool[];

beforeEach(async () => {
  client = await connect(database.config);
  holder = await connect(database.config);
  pools = [];
  await client.query(`
    DROP TABLE IF EXISTS q, q2;
    CREATE TABLE q (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text);
    CREATE TABLE q2 (LIKE q INCLUDING ALL);
    TRUNCATE uncached.log, uncached.consumer RESTART IDENTITY`);
});
afterEach(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await holder.end();
  await client.end();
});

/** @param change what becomes of its statements */
function open(change = (text: string) => text): Pool {
  const pool = openPool(openHosts([database.config], patient));
  pools.push(pool);
  const query = (statement: string | { text: string }, ...more: unknown[]) =>
    Reflect.apply(pool.query, pool, [
      typeof statement === 'string' ? change(statement) : { ...statement, text: change(statement.text) },
      ...more,
    ]);
  return { query: query as Pool['query'], end: pool.end };
}

const queueOf = (pool: Pool, queue = 'q') =>
  openQueue(pool, { handler: queue, queue, columns: ['slug'], user: 'postgres', owner: 'me' });

const lockRow = 'FROM uncached.log_lock WHERE (SELECT count(*) FROM taken) > 0 FOR UPDATE';
const unlocked = (text: string) => text.replace(lockRow, lockRow.replace('FOR UPDATE', ''));

describe('a reader beyond an id', () => {
  /** A claim of q is given its id, and then waits for `holder`. */
  async function claimSlowly(change?: (text: string) => string): Promise<{ claim: Promise<unknown> }> {
    await client.query(`
      CREATE OR REPLACE FUNCTION public.dawdle() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF NEW.handler = 'q' THEN PERFORM pg_advisory_xact_lock(7); END IF;
        RETURN NEW;
      END $$;
      CREATE TRIGGER dawdle BEFORE INSERT ON uncached.log FOR EACH ROW EXECUTE FUNCTION public.dawdle();
      INSERT INTO q (slug) VALUES ('first');
      INSERT INTO q2 (slug) VALUES ('second')`);
    await holder.query('SELECT pg_advisory_lock(7)');
    const claim = queueOf(open(change)).claim(10, null);
    await untilBlocked(client, 1);
    return { claim };
  }

  afterEach(() => client.query('DROP TRIGGER dawdle ON uncached.log'));

  const readIds = async (after: number) => {
    const part = await consumerOf(open(), { handlers: ['q', 'q2'] }).read({ after, limit: 100 });
    const ids = part.groups.flatMap(({ rows }) => rows.map(({ id }) => id)).sort();
    return { ids, upTo: part.upTo };
  };

  it('misses nothing, since a claim waits for one that has been given its ids', async () => {
    const { claim } = await claimSlowly();
    const second = queueOf(open(), 'q2').claim(10, null);
    await untilBlocked(client, 2);
    const before = await readIds(0);
    await holder.query('SELECT pg_advisory_unlock(7)');
    await claim;
    await second;
    expect([before, await readIds(before.upTo)]).toEqual([
      { ids: [], upTo: 0 },
      { ids: [1, 2], upTo: 2 },
    ]);
  });

  it('would miss a row without the lock', async () => {
    const { claim } = await claimSlowly(unlocked);
    await queueOf(open(unlocked), 'q2').claim(10, null);
    const before = await readIds(0);
    await holder.query('SELECT pg_advisory_unlock(7)');
    await claim;
    expect([before, await readIds(before.upTo)]).toEqual([
      { ids: [2], upTo: 2 },
      { ids: [], upTo: 2 },
    ]);
  });
});

it('several that claim and record, and a reader: it misses nothing', async () => {
  const entries = 4_000;
  await client.query(`INSERT INTO q (slug) SELECT i FROM generate_series(1, ${entries / 2}) i`);
  await client.query(`INSERT INTO q2 (slug) SELECT i FROM generate_series(1, ${entries / 2}) i`);
  let claimed = 0;
  let recorded = 0;
  let claiming = true;
  const claimAll = async (queue: string) => {
    const { claim } = queueOf(open(), queue);
    for (let found = -1; found !== 0; claimed += found) found = (await claim(10, null)).entries;
  };
  const record = async () => {
    const log = openLog(open());
    for (; claiming; recorded++) await log.record('q');
  };
  const seen: number[] = [];
  const read = async () => {
    const own = consumerOf(open(), { handlers: ['q', 'q2'] });
    for (let after = 0; ; ) {
      const last = !claiming;
      const { groups, upTo } = await own.read({ after, limit: 1_000 });
      for (const { rows } of groups) for (const { id } of rows) seen.push(id);
      if (last && upTo === after) return;
      after = upTo;
    }
  };
  const appending = Promise.all([claimAll('q'), claimAll('q'), claimAll('q2'), claimAll('q2')]);
  const others = Promise.all([record(), read()]);
  await appending;
  claiming = false;
  await others;
  expect(claimed).toBe(entries);
  const { rows } = await client.query<{ id: number }>('SELECT id::int FROM uncached.log ORDER BY id');
  expect(rows).toHaveLength(entries + recorded);
  expect(seen.sort((a, b) => a - b)).toEqual(rows.map(({ id }) => id));
});

describe('the lock of who appends', () => {
  const hold = () => holder.query('BEGIN; SELECT FROM uncached.log_lock FOR UPDATE');

  it('is not taken by a claim that finds nothing, nor by a producer', async () => {
    await hold();
    expect(await queueOf(open()).claim(10, null)).toMatchObject({ entries: 0 });
    await client.query(`INSERT INTO q (slug) VALUES ('a')`);
    const claim = queueOf(open()).claim(10, null);
    await untilBlocked(client);
    await client.query(`INSERT INTO q (slug) VALUES ('b')`);
    await holder.query('COMMIT');
    expect(await claim).toMatchObject({ entries: 1 });
  });

  it('is not held by a claim that waits for a producer, which it does without the right to skip', async () => {
    await client.query(`
      DROP ROLE IF EXISTS uncached_append;
      CREATE ROLE uncached_append LOGIN IN ROLE uncached;
      GRANT SELECT, DELETE ON q TO uncached_append;
      INSERT INTO q (slug) VALUES ('a'), ('b');
      INSERT INTO q2 (slug) VALUES ('c')`);
    const waiting = openPool(openHosts([{ ...database.config, user: 'uncached_append' }], patient));
    pools.push(waiting);
    await holder.query(`BEGIN; UPDATE q SET slug = 'c' WHERE slug = 'b'`);
    const claim = queueOf(waiting).claim(10, null);
    await untilBlocked(client, 1, 'uncached_append');
    expect(await queueOf(open(), 'q2').claim(10, null)).toMatchObject({ rows: [{ id: 1 }] });
    expect(await openLog(open()).record('q')).toMatchObject({ id: 2 });
    await holder.query('COMMIT');
    // The entry that has changed is left for the next claim.
    expect(await claim).toMatchObject({ entries: 1, rows: [{ id: 3 }] });
    await client.query('DROP OWNED BY uncached_append; DROP ROLE uncached_append');
  });

  it('is missed if its row is: nothing leaves the queue table, until the installation is repeated', async () => {
    await client.query(`DELETE FROM uncached.log_lock; INSERT INTO q (slug) VALUES ('a')`);
    const queue = queueOf(open());
    const told = 'uncached.log_lock has lost its row: run uncached schema --journal-only | psql -d DATABASE';
    await expect(queue.claim(10, null)).rejects.toThrow(told);
    await expect(openLog(open()).record('q')).rejects.toThrow(told);
    expect((await client.query('SELECT FROM q')).rowCount).toBe(1);
    await client.query(logSql());
    expect(await queue.claim(10, null)).toMatchObject({ entries: 1, rows: [{ handler: 'q' }] });
  });
});

describe('other daemons are told of a claim', () => {
  const heard = async () => {
    const queue = queueOf(open());
    const notifications = await notificationsOf(client, 'uncached_log', async () => {
      await client.query(`INSERT INTO q (slug) VALUES ('a')`);
      await queue.claim(10, null);
      // Found nothing.
      await queue.claim(10, null);
    });
    return notifications.length;
  };
  const follow = (owner: string | null, state = 'live') =>
    client.query(
      `INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to, owner)
       VALUES (gen_random_uuid(), 'files', 'files', $2, 0, 0, $1)`,
      [owner, state],
    );

  it.each([
    ['there is none', 0, async () => {}],
    ['its own are all', 0, () => follow('me')],
    ['another has one', 1, () => follow('other')],
    ['a daemon that is about to come back has one', 1, () => follow(null)],
    ['another has expired', 0, () => follow('other', 'expired')],
  ])('if %s: %s times', async (_, times, others) => {
    await others();
    expect(await heard()).toBe(times);
  });
});
