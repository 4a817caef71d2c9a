import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { type BarrierWorld, numberOf, openBarrierWorld, servers } from './barrier-world.ts';

/**
 * One step after the other, each with the answer that is right there. What begins with CONVICTED is a way that looks
 * right: it must give the wrong answer.
 */
describe.each(servers)('$title', ({ binaries, missing }) => {
  let world: BarrierWorld;

  beforeAll(async () => {
    if (!missing) world = await openBarrierWorld(binaries);
  });
  beforeEach(({ skip }) => {
    skip(missing);
    return world.reset();
  });
  afterAll(() => world?.close());

  it('a change is cleared when it has settled, and announced when all before it have ended, too', async () => {
    const { one, two, client, change, horizon, isCleared } = world;
    await one.query('BEGIN');
    const first = await change(one, 'a');
    const second = await change(two, 'b');
    expect(await horizon()).toBeLessThanOrEqual(first);
    expect([await isCleared(first), await isCleared(second)]).toEqual([false, false]);
    await world.claim();
    expect([await isCleared(second), await isCleared(second, `'cleared'`)]).toEqual([false, false]);
    await world.advance('cleared_to');
    expect([await isCleared(second), await isCleared(second, `'cleared'`)]).toEqual([false, true]);
    await client.query('BEGIN');
    await world.advance('settled_to');
    const { rows } = await two.query(`SELECT uncached.is_cleared($1) AS yes`, [String(second)]);
    expect(rows).toEqual([{ yes: false }]);
    await client.query('COMMIT');
    expect(await isCleared(second)).toBe(true);
    expect(await horizon()).toBeLessThanOrEqual(first);
    await one.query('COMMIT');
    expect(await horizon()).toBe(first);
    await world.claim();
    expect(await horizon()).toBe(first);
    await world.settle();
    expect(await horizon()).toBeGreaterThan(second);
    expect(await isCleared(first)).toBe(true);
  });

  it('while a claim is under way its entries hold', async () => {
    const { one, two, isCleared } = world;
    const xid = await world.change(one, 'a');
    await two.query(`BEGIN; LOCK TABLE uncached.log_lock IN ACCESS EXCLUSIVE MODE`);
    const claim = world.claim();
    expect(await isCleared(xid)).toBe(false);
    await two.query('COMMIT');
    await claim;
    expect(await isCleared(xid)).toBe(false);
  });

  it('an open writer holds what comes after it, and its rollback releases that', async () => {
    const { one, horizon } = world;
    await one.query('BEGIN');
    const xid = await world.change(one, 'a');
    expect(await horizon()).toBeLessThanOrEqual(xid);
    await one.query('ROLLBACK');
    expect(await horizon()).toBeGreaterThan(xid);
  });

  it('a reader with an old snapshot, such as pg_dump, holds nothing', async () => {
    const { one, two, horizon, isCleared } = world;
    await one.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM pages');
    const xid = await world.change(two, 'b');
    await world.settle();
    expect(await horizon()).toBeGreaterThan(xid);
    expect(await isCleared(xid)).toBe(true);
  });

  it('a prepared transaction holds until its entry has settled', async () => {
    const { one, client, horizon, isCleared } = world;
    await one.query(`BEGIN; INSERT INTO changelog (k, v) VALUES ('a', 9);
      INSERT INTO cache_clearing_ports (category, port) VALUES ('a', 'a')`);
    const xid = await world.xidOf(one);
    await one.query(`PREPARE TRANSACTION 'it'`);
    expect([await horizon(), await isCleared(xid)]).toEqual([xid, false]);
    await world.two.query('SELECT pg_current_xact_id()');
    const { rows } = await client.query(`SELECT xid::text, detail FROM uncached.holding()`);
    expect(rows).toEqual([{ xid: String(xid), detail: `prepared transaction 'it'` }]);
    await client.query(`COMMIT PREPARED 'it'`);
    expect([await horizon(), await isCleared(xid)]).toEqual([xid, false]);
    await world.settle();
    expect([(await horizon()) > xid, await isCleared(xid)]).toEqual([true, true]);
  });

  it('a writer of another database of the server holds nothing, prepared or not', async () => {
    const { change, one, horizon, isCleared } = world;
    const other = await world.connect({ database: 'postgres' });
    await other.query('CREATE TABLE elsewhere (i int); BEGIN; INSERT INTO elsewhere VALUES (1)');
    const open = await world.xidOf(other);
    const xid = await change(one, 'a');
    await world.settle();
    expect(open).toBeLessThan(xid);
    expect([(await horizon()) > xid, await isCleared(xid)]).toEqual([true, true]);
    expect(await numberOf(one, 'pg_snapshot_xmin(pg_current_snapshot())')).toBeLessThanOrEqual(open);
    await other.query(`PREPARE TRANSACTION 'elsewhere'`);
    expect(await horizon()).toBeGreaterThan(xid);
    await other.query(`ROLLBACK PREPARED 'elsewhere'`);
  });

  it('folded entries are held by the lower of their transactions', async () => {
    const { one, client, change, isCleared } = world;
    const [first, second] = [await change(one, 'a'), await change(one, 'a')];
    await world.claim();
    expect(await numberOf(client, '(SELECT xid FROM uncached.log)')).toBe(first);
    expect([await isCleared(first), await isCleared(second)]).toEqual([false, false]);
    // CONVICTED: equality, and the higher of the two.
    const { rows } = await client.query(
      'SELECT NOT EXISTS (SELECT FROM uncached.pending($1, NULL, NULL) WHERE xid = $2) AS yes',
      ['settled', String(second)],
    );
    expect(rows).toEqual([{ yes: true }]);
    await client.query('UPDATE uncached.log SET xid = $1', [String(second)]);
    expect(await isCleared(first)).toBe(true);
  });

  it("CONVICTED: a row's own xmin is that of a savepoint, higher than the transaction", async () => {
    const { one, client } = world;
    await one.query('BEGIN; SAVEPOINT s');
    const xid = await world.change(one, 'a');
    await one.query('COMMIT');
    expect(await numberOf(client, '(SELECT xmin::text::bigint FROM cache_clearing_ports)')).toBeGreaterThan(
      xid,
    );
    expect(await numberOf(client, '(SELECT xid FROM cache_clearing_ports)')).toBe(xid);
  });

  it.each([
    ['CONVICTED: its own transaction', 'pg_current_xact_id()', true],
    ['the least transaction that was open', 'pg_snapshot_xmin(pg_current_snapshot())', false],
  ])('who skips relies on an entry whose xid is %s', async (_what, xid, isConvicted) => {
    const { one, two, client, isCleared } = world;
    const skip = `INSERT INTO cache_clearing_ports (category, port) SELECT 'a', 'a'
      WHERE NOT EXISTS (SELECT FROM cache_clearing_ports WHERE port = 'a')`;
    await client.query(`ALTER TABLE cache_clearing_ports ALTER xid SET DEFAULT ${xid}`);
    try {
      await two.query('BEGIN');
      const low = await world.xidOf(two);
      await one.query(skip);
      await two.query(skip);
      await two.query('COMMIT');
      const { rows } = await client.query('SELECT FROM cache_clearing_ports');
      expect(rows).toHaveLength(1);
      expect(await isCleared(low)).toBe(isConvicted);
      await world.claim();
      expect(await isCleared(low)).toBe(isConvicted);
    } finally {
      await client.query('ALTER TABLE cache_clearing_ports ALTER xid SET DEFAULT pg_current_xact_id()');
    }
  });

  it('CONVICTED: a VOLATILE function runs ahead of the statement that reads the changes', async () => {
    const { one, two, client, horizon } = world;
    const slow = (volatility: string) => `
      CREATE OR REPLACE FUNCTION slow_horizon() RETURNS xid8 LANGUAGE plpgsql ${volatility} AS $$
      BEGIN
        PERFORM pg_advisory_xact_lock_shared(1);
        RETURN uncached.horizon();
      END $$`;
    const announced = async (volatility: string) => {
      await client.query(slow(volatility));
      await client.query('SELECT pg_advisory_lock(1)');
      const asked = two.query<{ seen: string; horizon: string }>(
        `SELECT (SELECT count(*) FROM changelog)::text AS seen, (SELECT slow_horizon())::text AS horizon`,
      );
      const waits = `SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`;
      const isWaiting = async () => (await client.query(waits)).rows[0];
      await eventually('waiting for the lock', isWaiting, async () => 'it does not');
      const xid = await world.change(one, 'a');
      await world.settle();
      await client.query('SELECT pg_advisory_unlock(1)');
      const { rows } = await asked;
      return { xid, seen: rows[0]?.seen, horizon: BigInt(rows[0]?.horizon ?? 0) };
    };
    const convicted = await announced('VOLATILE');
    // It would take the change for one that the statement has announced, and has not seen it.
    expect([convicted.seen, convicted.horizon > convicted.xid]).toEqual(['0', true]);
    await world.reset();
    const right = await announced('STABLE');
    expect([right.seen, right.horizon <= right.xid]).toEqual(['0', true]);
    expect(await horizon()).toBeGreaterThan(right.xid);
  });

  it('CONVICTED: the queue tables alone, the log alone', async () => {
    const { one, client, isCleared } = world;
    const asked = (from: string, xid: bigint) =>
      client
        .query(`SELECT NOT EXISTS (SELECT FROM ${from} WHERE xid <= '${xid}') AS cleared`)
        .then(({ rows }) => rows[0]?.cleared);
    const xid = await world.change(one, 'a');
    expect([await asked('uncached.log', xid), await isCleared(xid)]).toEqual([true, false]);
    await world.claim();
    expect([await asked('cache_clearing_ports', xid), await isCleared(xid)]).toEqual([true, false]);
  });

  it('a reader by (xid, id) and the horizon misses nothing; CONVICTED: one by id does', async () => {
    const { one, two, client, horizon } = world;
    await one.query('BEGIN');
    const early = await world.change(one, 'a');
    await world.change(two, 'b');
    await world.settle();
    const byId = await client.query('SELECT id, k FROM changelog ORDER BY id');
    expect(byId.rows.map(({ k }) => k)).toEqual(['b']);
    expect(await horizon()).toBeLessThanOrEqual(early);
    await one.query('COMMIT');
    await world.settle();
    const late = await client.query('SELECT k FROM changelog WHERE id > $1', [byId.rows[0]?.id]);
    expect(late.rows).toEqual([]);
    const right = await client.query(
      `SELECT k FROM changelog WHERE (xid, id) > ('0', 0) AND xid < (SELECT uncached.horizon()) ORDER BY xid, id`,
    );
    expect(right.rows.map(({ k }) => k)).toEqual(['a', 'b']);
  });
});
