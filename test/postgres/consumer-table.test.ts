import { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  forgetFormerRoot,
  forgetOthers,
  releaseConsumers,
  reportSeen,
} from '../../src/postgres/consumer-table.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { append, consumerOf } from './consumer.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';
import { forgetClearings } from './unsettled.ts';

const database = testDatabase();
const leaseMs = 60_000;
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

const join = (owner = 'me', { id = 'root', startsEmpty = false, wiping = false } = {}) =>
  consumerOf(pool, { owner, id, startsEmpty }).join({ wiping });

async function connectAs(application_name: string): Promise<Client> {
  const session = new Client({ ...database.config, application_name });
  await session.connect();
  return session;
}

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

describe('where nothing listens', () => {
  const nowhere = openPool(openHosts([{ host: '127.0.0.1', port: 1 }], patient));
  const what = { owner: 'me', leaseMs, root: 'root', ids: [], ofRoot: true };

  it.each([
    ['what a daemon reports', () => reportSeen(nowhere, what, [])],
    ['what it releases', () => releaseConsumers(nowhere, what.owner)],
    ['what it forgets', () => forgetOthers(nowhere, what)],
  ])('%s fails in words that say what to do', async (_what, statement) => {
    await expect(statement()).rejects.toThrow(
      /^Cannot (write to|delete from) uncached\.consumer: .*ECONNREFUSED.* \(nothing listens there: is PostgreSQL running, /,
    );
  });
});

describe('a daemon that has lost its consumer', () => {
  const report = (owner: string, clearedTo = 0, id = 'root') =>
    reportSeen(pool, { owner, leaseMs }, [{ id, clearedTo, problem: null }]);

  it.each([
    ['to another daemon', `UPDATE uncached.consumer SET owner = 'other'`],
    ['by expiring', `UPDATE uncached.consumer SET state = 'expired'`],
    ['since somebody has deleted it', 'DELETE FROM uncached.consumer'],
  ])('%s is told so, and changes nothing', async (_how, sql) => {
    const own = await follow('me', 5);
    expect(await report('me', 5)).toMatchObject({ lost: [] });
    await client.query(sql);
    const before = await rowOf();
    await append(client, 1);
    expect(await own.advance({ from: 5, settledTo: 6, clearedTo: 6 })).toBe(false);
    expect(await own.becomeLive(5)).toBe(false);
    expect(await report('me', 6)).toMatchObject({ lost: ['root'] });
    expect(await rowOf()).toEqual(before);
  });

  it('by a crash of the server, or to an older standby, which has undone how far it was, does not go on from there', async () => {
    const own = await follow('me', 5);
    await client.query('UPDATE uncached.consumer SET settled_to = 3');
    expect(await own.advance({ from: 5, settledTo: 6, clearedTo: 6 })).toBe(false);
    expect(await own.becomeLive(5)).toBe(false);
    expect(await own.advance({ from: 3, settledTo: 4, clearedTo: 4 })).toBe(true);
    expect(await rowOf()).toMatchObject({ settled: 4, cleared: 5 });
  });

  // The ids of its cleared rows are used again.
  it('in that the log was emptied under it is told so', async () => {
    await follow('me', 5);
    await client.query('TRUNCATE uncached.log RESTART IDENTITY');
    expect(await report('me', 5)).toMatchObject({ lost: ['root'] });
    expect(await join()).toMatchObject({ state: 'new', settledTo: 0 });
  });

  it('never, is not set back by what it reports', async () => {
    await follow('me', 5);
    await report('me', 1);
    expect(await rowOf()).toMatchObject({ settled: 5, cleared: 5 });
  });
});

describe('the daemon that claims at once', () => {
  const first = async (owner: string, ...ids: string[]) =>
    (
      await reportSeen(
        pool,
        { owner, leaseMs },
        ids.map((id) => ({ id, clearedTo: 0, problem: null })),
      )
    ).first;

  it('is the same one for all, and another when that has gone or is silent', async () => {
    await join('b', { id: '2' });
    await join('a', { id: '1' });
    expect([await first('a', '1'), await first('b', '2')]).toEqual(['a', 'a']);
    await client.query(
      `UPDATE uncached.consumer SET seen_at = clock_timestamp() - interval '61 seconds' WHERE owner = 'a'`,
    );
    expect(await first('b', '2')).toBe('b');
    // It will know better as soon as it has reported.
    expect(await first('a', '1')).toBe('a');
    expect(await first('b', '2')).toBe('a');
    await releaseConsumers(pool, 'a');
    expect(await first('b', '2')).toBe('b');
  });

  it('is one that listens, if one does: the others hear of nothing that has no queue', async () => {
    for (const [id, owner] of ['a', 'b', 'c'].entries()) await join(owner, { id: `${id}` });
    expect(await first('a', '0')).toBe('a');
    const sessions = [];
    try {
      for (const owner of ['c', 'b']) {
        sessions.push(await connectAs(`uncached ${owner} listener`));
        expect([await first('a', '0'), await first('c', '2')]).toEqual([owner, owner]);
      }
      sessions.push(await connectAs('uncached a'));
      expect(await first('a', '0')).toBe('b');
    } finally {
      for (const session of sessions) await session.end();
    }
  });

  it('is none that died before the clock was set back by 400 days', async () => {
    await join('dead', { id: '1' });
    await join('b', { id: '2' });
    await client.query(
      `UPDATE uncached.consumer SET seen_at = clock_timestamp() + interval '400 days' WHERE owner = 'dead'`,
    );
    expect(await first('b', '2')).toBe('b');
  });

  it('is no one where nobody follows', async () => {
    expect(await first('a')).toBeNull();
  });
});

describe('what is forgotten', () => {
  const ids = async () => {
    const { rows } = await client.query<{ id: string }>(
      'SELECT id FROM uncached.consumer UNION SELECT consumer FROM uncached.failing ORDER BY id',
    );
    return rows.map(({ id }) => id);
  };

  /** Each with a row that fails there. */
  async function consumers(...all: [id: string, owner: string | null][]): Promise<void> {
    for (const one of all)
      await client.query(
        `WITH consumer AS (
           INSERT INTO uncached.consumer (id, kind, name, state, settled_to, cleared_to, owner)
           VALUES ($1, 'files', 'files', 'live', 0, 0, $2)
         )
         INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error) VALUES ($1, 1, 'h', '{}', now(), 'x')`,
        one,
      );
  }

  it('with a new membership: what the daemon has no more, and what stood behind its root', async () => {
    const all = ['a', 'a command x', 'a command y', 'ab', 'b', 'c'];
    await consumers(
      ['a', 'me'],
      ['a command x', 'me'],
      ['a command y', null],
      ['ab', null],
      ['b', 'me'],
      ['c', 'other'],
    );
    const own = { owner: 'me', root: 'a', ids: ['a', 'a command x'] };
    await forgetOthers(pool, { ...own, ofRoot: false });
    expect(await ids()).toEqual(all.filter((id) => id !== 'b'));
    await forgetOthers(pool, { ...own, ofRoot: true });
    expect(await ids()).toEqual(['a', 'a command x', 'ab', 'c']);
  });

  it('with a root that another has replaced: what followed for it, unless that is elsewhere, or a daemon has it', async () => {
    await consumers(['a', null], ['a command x', 'dead'], ['ab', null], ['moved', null], ['busy', 'alive']);
    await client.query(`
      INSERT INTO uncached.root (machine, path, id, identity, mount_point, places, queues) VALUES
        ('m', '/x', 'new', '1:2', '/', '{}', '{}'), ('m', '/y', 'moved', '1:3', '/', '{}', '{}')`);
    const session = await connectAs('uncached alive');
    try {
      for (const id of ['a', 'moved', 'busy']) await forgetFormerRoot(pool, { id, machine: 'm', path: '/x' });
      expect(await ids()).toEqual(['ab', 'busy', 'moved']);
    } finally {
      await session.end();
    }
  });
});
