import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { FailingRowsOfConsumer, Log } from '../../src/core/consumer-contract.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openLog } from '../../src/postgres/log.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { append, consumerOf } from './consumer.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';
import { forgetClearings } from './unsettled.ts';

const database = testDatabase();
let client: Client;
let pool: Pool;
let own: FailingRowsOfConsumer;
let log: Log;

beforeAll(async () => {
  client = await connect(database.config);
  pool = openPool(openHosts([database.config], patient));
  own = consumerOf(pool).failing;
  log = openLog(pool);
});
afterAll(async () => {
  await pool.end();
  await client.end();
});
beforeEach(async () => {
  await forgetClearings(client);
  await consumerOf(pool).join({ wiping: false });
});

/** Rows of the log that fail since the fourth try. */
const fails = (retryAt: string, { claimedAt = 'now()', count = 1, consumer = 'root' } = {}) =>
  client.query(`
    WITH row AS (INSERT INTO uncached.log (handler, key, claimed_at, enqueued_at)
                 SELECT 'h', '{}', ${claimedAt}, ${claimedAt} FROM generate_series(1, ${count}) RETURNING *)
    INSERT INTO uncached.failing (consumer, id, handler, key, enqueued_at, claimed_at, attempts, last_error, retry_at)
    SELECT '${consumer}', id, handler, key, enqueued_at, claimed_at, 3, 'e', ${retryAt} FROM row`);

const idsOf = (rows: readonly { id: number }[]) => rows.map(({ id }) => id);

describe('any number of rows', () => {
  const count = 25_000;
  const ids = Array.from({ length: count }, (_, at) => at + 1);

  /** The greatest number of rows that one statement has changed. */
  async function mostChanged(work: () => Promise<unknown>): Promise<number> {
    await client.query(`
      CREATE TABLE public.changed (rows int);
      CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN INSERT INTO public.changed SELECT count(*) FROM now_so; RETURN NULL; END $$;
      CREATE TRIGGER note AFTER UPDATE ON uncached.failing REFERENCING NEW TABLE AS now_so
        FOR EACH STATEMENT EXECUTE FUNCTION public.note()`);
    try {
      await work();
      const { rows } = await client.query<{ most: number }>(
        'SELECT max(rows)::int AS most FROM public.changed',
      );
      return rows[0]?.most ?? 0;
    } finally {
      await client.query('DROP FUNCTION public.note() CASCADE; DROP TABLE public.changed');
    }
  }

  it('fails, is listed, retried and dropped, a part at a time', async () => {
    await append(client, count);
    const soonestMs = await own.add(ids.map((id) => ({ id, error: 'e' })));
    expect(soonestMs).toBeLessThanOrEqual(1_000);
    expect(idsOf(await log.failing({}))).toEqual(ids);
    expect(idsOf(await log.failing({}, 12_000))).toEqual(ids.slice(0, 12_000));
    expect(await log.retryNow({ ids: ids.slice(0, 12_000) })).toBe(12_000);
    expect(await log.drop({ handler: 'h' })).toBe(count);
  });

  it('is made due at a start by statements of 5,000 rows', async () => {
    await fails(`now() + interval '1 hour'`, { count });
    expect(await mostChanged(() => own.restart('all'))).toBe(5_000);
    expect((await own.due(1)).rows).toHaveLength(1);
    await client.query('UPDATE uncached.failing SET cohort = 1, retry_at = NULL');
    expect(await mostChanged(() => own.restart('cohorts'))).toBe(5_000);
    const { rowCount } = await client.query(
      'SELECT FROM uncached.failing WHERE retry_at <= clock_timestamp() AND cohort IS NULL',
    );
    expect(rowCount).toBe(count);
  });

  it('settles with its cohorts, in the order of ids and by 1,000, each row once', async () => {
    await fails('now()', { count });
    const [odd, even] = [1, 0].map((rest) => ids.filter((id) => id % 2 === rest));
    await own.settleLater(odd ?? [], 3);
    await own.settleLater(even ?? [], 4);
    await fails('now()', { consumer: 'other' });
    await consumerOf(pool, { id: 'other' }).failing.settleLater([count + 1], 3);
    const settled: number[] = [];
    for (let part = await own.inCohorts([4, 3], 0); part.length > 0; ) {
      expect(part.length).toBeLessThanOrEqual(1_000);
      settled.push(...idsOf(part));
      await own.remove(idsOf(part), [4, 3]);
      part = await own.inCohorts([4, 3], part.at(-1)?.id ?? 0);
    }
    expect(settled).toEqual(ids);
    expect(await log.failing({})).toMatchObject([{ consumer: 'other' }]);
    expect(await own.inCohorts([], 0)).toEqual([]);
  });
});
