import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { setTraps, trapped } from '../sql/hostile.ts';
import { readSqlFile } from '../sql/sql-file.ts';
import { type BarrierWorld, openBarrierWorld, servers } from './barrier-world.ts';

/** They run with the rights of their owner, and the procedure with those of its caller. */
describe.each(servers)('$title', ({ binaries, missing }) => {
  let world: BarrierWorld;

  beforeAll(async () => {
    if (missing) return;
    world = await openBarrierWorld(binaries);
    await world.client.query('CREATE ROLE attacker; CREATE SCHEMA hostile AUTHORIZATION attacker');
    await setTraps(world.client, 'hostile', 'attacker', await readSqlFile('barrier.sql'));
  });
  beforeEach(({ skip }) => {
    skip(missing);
    return world.reset();
  });
  afterAll(() => world?.close());

  it.each([
    'SELECT uncached.horizon()',
    `SELECT uncached.horizon('cleared', '{listen_port}', pg_catalog."interval" '1 hour')`,
    `SELECT uncached.is_cleared('3')`,
    'SELECT * FROM uncached.holding()',
    `CALL uncached.wait_cleared('3', pg_catalog."interval" '20 ms')`,
    `CALL uncached.wait_cleared('4', pg_catalog."interval" '20 ms', 'cleared', '{listen_port}', pg_catalog."interval" '1 hour')`,
    `UPDATE uncached.consumer SET state = 'wiping'`,
    'DELETE FROM uncached.failing',
  ])('%s runs nothing of the search_path', async (sql) => {
    await world.change(world.one, 'a');
    await world.client.query(`INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error)
      VALUES ('web1', 1, 'listen_port', '{}', now(), 'e')`);
    await world.two.query('SET search_path = hostile, pg_catalog, public');
    try {
      await expect(world.two.query('SELECT clock_timestamp()')).rejects.toThrow(trapped);
      const outcome = await world.two.query(sql).then(
        () => 'ran',
        (error: Error) => error.message,
      );
      expect(outcome).toBe('ran');
    } finally {
      await world.two.query('RESET search_path');
    }
  });
});
