import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { consumerOf } from '../postgres/consumer.ts';
import { notificationsOf } from '../sql/notifications.ts';
import { type BarrierWorld, openBarrierWorld, servers } from './barrier-world.ts';

/** Who may ask, how to wait, and who is notified. */
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

  it('refuses a level, a handler and a transaction that there are not', async () => {
    const { client } = world;
    const asked = (sql: string) => client.query(`SELECT ${sql}`);
    await expect(asked(`uncached.horizon('clear')`)).rejects.toThrow(
      `level 'clear' is neither settled nor cleared`,
    );
    await expect(asked('uncached.horizon(NULL)')).rejects.toThrow('level NULL is neither');
    await expect(asked(`uncached.horizon(handlers => '{listen_prt}')`)).rejects.toThrow(
      `handler 'listen_prt' is not known`,
    );
    await expect(asked(`uncached.is_cleared('5', handlers => '{news}')`)).rejects.toThrow(
      `handler 'news' has no queue table`,
    );
    await expect(client.query(`CALL uncached.wait_cleared('99999999999')`)).rejects.toThrow('in the future');
    await expect(client.query('CALL uncached.wait_cleared(NULL)')).rejects.toThrow('the transaction is NULL');
    const { rows } = await asked(
      `uncached.is_cleared(NULL) AS never, uncached.is_cleared('99999999999') AS later`,
    );
    expect(rows).toEqual([{ never: false, later: false }]);
  });

  it('a role needs no right, and sees nothing else', async () => {
    const { client } = world;
    await client.query('CREATE ROLE webapp LOGIN');
    const webapp = await world.connect({ user: 'webapp' });
    const { rows } = await webapp.query(
      `SELECT uncached.horizon() > '3' AS yes, uncached.is_cleared('3') AS cleared`,
    );
    expect(rows).toEqual([{ yes: true, cleared: true }]);
    expect((await webapp.query(`CALL uncached.wait_cleared('3')`)).rows).toEqual([{ cleared: true }]);
    for (const sql of [
      'TABLE uncached.log',
      'TABLE uncached.barrier',
      `SELECT uncached.holding()`,
      `SELECT uncached.pending('settled', NULL, NULL)`,
      'SELECT uncached.open_writers()',
    ])
      await expect(webapp.query(sql), sql).rejects.toThrow('permission denied');
    await client.query('GRANT uncached TO webapp');
    expect((await webapp.query('SELECT uncached.holding()')).rows).toEqual([]);
  });

  it('waits as a procedure, and refuses to wait for itself or inside a transaction', async () => {
    const { one, two } = world;
    await one.query('BEGIN');
    const xid = await world.change(one, 'a');
    await expect(one.query(`CALL uncached.wait_cleared('${xid}')`)).rejects.toThrow('it is this one');
    await one.query('ROLLBACK; BEGIN; SELECT 1');
    await expect(one.query(`CALL uncached.wait_cleared('3')`)).rejects.toMatchObject({ code: '2D000' });
    await one.query('ROLLBACK');
    const changed = await world.change(one, 'a');
    const waiting = two.query(`CALL uncached.wait_cleared('${changed}')`);
    expect((await one.query(`CALL uncached.wait_cleared('${changed}', '20 ms')`)).rows).toEqual([
      { cleared: false },
    ]);
    await world.settle();
    expect((await waiting).rows).toEqual([{ cleared: true }]);
  });

  it('daemons know of it by each look at the open transactions', async () => {
    const look = () => consumerOf(world.pool).snapshot({ after: 0, upTo: 0 });
    expect(await look()).toMatchObject({ awaited: true });
    await world.client.query('ALTER TABLE uncached.barrier RENAME TO away');
    expect(await look()).toMatchObject({ awaited: false });
    await world.client.query('ALTER TABLE uncached.away RENAME TO barrier');
  });

  it('notifies whenever something may have been cleared, and not for a heartbeat', async () => {
    const { client, one } = world;
    const heard = async (sql: string) =>
      (await notificationsOf(one, 'uncached_cleared', () => client.query(sql))).length;
    for (const sql of [
      'UPDATE uncached.consumer SET settled_to = settled_to + 1, cleared_to = cleared_to + 1',
      'UPDATE uncached.consumer SET cleared_to = greatest(cleared_to, 7)',
      `UPDATE uncached.consumer SET state = 'wiping'`,
      'UPDATE uncached.failing SET cohort = 1',
      'DELETE FROM uncached.failing',
      'DELETE FROM uncached.consumer',
    ])
      expect(await heard(sql), sql).toBe(1);
    await world.reset();
    for (const sql of [
      'UPDATE uncached.consumer SET seen_at = now(), cleared_to = greatest(cleared_to, 0)',
      'UPDATE uncached.consumer SET settled_to = settled_to',
    ])
      expect(await heard(sql), sql).toBe(0);
  });
});
