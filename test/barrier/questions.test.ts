import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { consumerOf } from '../postgres/consumer.ts';
import { type BarrierWorld, openBarrierWorld, servers } from './barrier-world.ts';

/** What is waited for, and what is not. */
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

  const holding = async (args = '') => {
    const { rows } = await world.client.query(
      `SELECT kind, handler, consumer, xid::text FROM uncached.holding(${args})`,
    );
    return rows;
  };

  it('a failing row holds until it is settled or dropped, or for as long as is asked', async () => {
    const { client, one, horizon, isCleared } = world;
    const xid = await world.change(one, 'a');
    const later = await world.change(one, 'b');
    await world.claim();
    await client.query(`
      INSERT INTO uncached.failing (consumer, id, handler, key, xid, claimed_at, last_error)
      SELECT 'web1', id, handler, key, xid, clock_timestamp() - interval '2 hours', 'EACCES' FROM uncached.log WHERE xid = '${xid}'`);
    await world.settle();
    expect(await holding()).toEqual([
      { kind: 'failing', handler: 'listen_port', consumer: 'web1', xid: String(xid) },
    ]);
    expect([await horizon(), await horizon(`'cleared'`)]).toEqual([xid, xid]);
    expect([await isCleared(xid), await isCleared(later)]).toEqual([false, false]);
    expect(await horizon(`handlers => '{listen_date_updated}'`)).toBeGreaterThan(later);
    expect(await horizon(`handlers => '{listen_port}'`)).toBe(xid);
    expect(await horizon(`failing_for => '3 hours'`)).toBe(xid);
    expect(await horizon(`failing_for => '1 hour'`)).toBeGreaterThan(later);
    expect(await isCleared(xid, `failing_for => '1 hour'`)).toBe(true);
    // Its retry has succeeded.
    await client.query('UPDATE uncached.failing SET cohort = 1');
    expect([await isCleared(xid), await isCleared(xid, `'cleared'`)]).toEqual([false, true]);
    // No page can have its key.
    await client.query('UPDATE uncached.failing SET cohort = NULL, invalid = true');
    expect(await isCleared(xid)).toBe(true);
  });

  it('every cache that clears for the handler must have settled', async () => {
    const { client, one, isCleared } = world;
    await client.query(`INSERT INTO uncached.consumer (id, kind, name, handlers, state, settled_to, cleared_to) VALUES
      ('web2', 'files', 'files', '{listen_port}', 'live', 0, 0), ('web3', 'files', 'files', '{listen_date_updated}', 'live', 0, 0)`);
    const xid = await world.change(one, 'a');
    await world.settle();
    expect(await holding()).toEqual([
      { kind: 'log', handler: 'listen_port', consumer: 'web2', xid: String(xid) },
    ]);
    await world.advance('cleared_to', 'web2');
    expect([await isCleared(xid), await isCleared(xid, `'cleared'`)]).toEqual([false, true]);
    await world.advance('settled_to', 'web2');
    expect(await isCleared(xid)).toBe(true);
    // Whose handlers are not known may clear for any.
    await client.query(`UPDATE uncached.consumer SET handlers = NULL WHERE id = 'web3'`);
    expect(await isCleared(xid)).toBe(false);
  });

  it.each(['wiping', 'expired'])('a cache that is %s holds everything that it clears for', async (state) => {
    const { client, one, horizon, isCleared } = world;
    const xid = await world.change(one, 'a');
    await world.settle();
    await client.query(
      `INSERT INTO uncached.consumer (id, kind, name, handlers, state, settled_to, cleared_to)
      VALUES ('web2', 'files', 'files', '{listen_port}', $1, 1000000, 1000000)`,
      [state],
    );
    expect([await isCleared(xid), await horizon()]).toEqual([false, 0n]);
    expect(await holding()).toEqual([{ kind: 'consumer', handler: null, consumer: 'web2', xid: '0' }]);
    expect(await isCleared(xid, `handlers => '{listen_date_updated}'`)).toBe(true);
    await client.query(`DELETE FROM uncached.consumer WHERE id = 'web2'`);
    expect(await isCleared(xid)).toBe(true);
  });

  it('rows that no cache clears for, and rows while there is none, hold', async () => {
    const { client, one, isCleared } = world;
    const xid = await world.change(one, 'a');
    await client.query(`UPDATE uncached.consumer SET handlers = '{listen_date_updated}'`);
    await world.claim();
    expect(await isCleared(xid)).toBe(false);
    // The daemons keep them as failing before a cursor passes them.
    await consumerOf(world.pool, { id: 'web1' }).failing.keepOrphans({ after: 0, upTo: 1_000_000 }, [
      'listen_port',
    ]);
    await world.settle();
    expect(await isCleared(xid)).toBe(false);
    expect(await isCleared(xid, `failing_for => '0'`)).toBe(true);
    await client.query('DELETE FROM uncached.consumer; DELETE FROM uncached.failing');
    expect(await isCleared(xid)).toBe(false);
  });

  it('what the barrier does not know holds everything', async () => {
    const { client, one, isCleared } = world;
    const xid = await world.change(one, 'a');
    await world.settle();
    expect(await isCleared(xid)).toBe(true);
    await client.query(`UPDATE uncached.consumer SET handlers = handlers || '{articles}'`);
    expect(await holding()).toEqual([{ kind: 'unknown', handler: 'articles', consumer: 'web1', xid: '0' }]);
    expect(await isCleared(xid)).toBe(false);
    expect(await isCleared(xid, `handlers => '{listen_port}'`)).toBe(true);
    await client.query(`INSERT INTO uncached.barrier VALUES ('articles', '')`);
    expect(await isCleared(xid)).toBe(true);
    await client.query(`INSERT INTO uncached.root (machine, path, id, identity, mount_point, places, queues)
      VALUES ('m', '/cache', 'web1', '', '', '{}', '{public.cache_clearing_ports,public.cache_clearing_files}')`);
    expect(await isCleared(xid)).toBe(false);
    await client.query('DELETE FROM uncached.root');
    await client.query(`INSERT INTO uncached.barrier VALUES ('gone', 'public.gone')`);
    expect(await holding()).toEqual([{ kind: 'unknown', handler: 'gone', consumer: null, xid: '0' }]);
    await client.query('DELETE FROM uncached.barrier');
    expect(await isCleared(xid)).toBe(false);
  });

  it('an entry that does not say where it comes from holds everything, in the queue and in the log', async () => {
    const { client, one, isCleared } = world;
    const xid = await world.change(one, 'b');
    await world.settle();
    await client.query(`
      CREATE TABLE plain (id serial PRIMARY KEY, k text, date_added timestamptz DEFAULT now());
      INSERT INTO uncached.barrier VALUES ('listen_date_updated', 'public.plain');
      INSERT INTO plain (k) VALUES ('a')`);
    expect(await holding()).toEqual([
      { kind: 'queue', handler: 'listen_date_updated', consumer: null, xid: '0' },
    ]);
    expect(await isCleared(xid)).toBe(false);
    await client.query('DROP TABLE plain');
    await client.query(`DELETE FROM uncached.barrier WHERE queue = 'public.plain'`);
    await client.query(`INSERT INTO uncached.log (handler, key) VALUES ('listen_date_updated', '{}')`);
    expect(await isCleared(xid)).toBe(false);
    // What "then" clears, which leaves no entry.
    await client.query(`UPDATE uncached.log SET handler = 'news' WHERE xid = '0'`);
    expect(await isCleared(xid)).toBe(true);
    await client.query(`ALTER TABLE cache_clearing_ports ALTER xid DROP NOT NULL;
      INSERT INTO cache_clearing_ports (category, port, xid) VALUES ('a', 'a', NULL), ('a', 'b', '1000000')`);
    expect(await isCleared(xid)).toBe(false);
    await world.claim();
    expect(await isCleared(xid)).toBe(false);
    await client.query('ALTER TABLE cache_clearing_ports ALTER xid SET NOT NULL');
  });

  it('too many rows to look at hold everything', async () => {
    const { client, one, isCleared } = world;
    const xid = await world.change(one, 'a');
    await world.settle();
    await client.query(`INSERT INTO uncached.log (handler, key, xid)
      SELECT 'listen_port', '{}', '1000000' FROM generate_series(1, 100000)`);
    expect(await isCleared(xid)).toBe(true);
    await client.query(
      `INSERT INTO uncached.log (handler, key, xid) VALUES ('listen_port', '{}', '1000000')`,
    );
    expect(await isCleared(xid)).toBe(false);
  });
});
