import type { Client } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Queue } from '../../src/core/contracts.ts';
import { type DatabaseTimings, usualTimings } from '../../src/core/timings.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { eventually } from '../faults/eventually.ts';
import { connect } from '../sql/connect.ts';
import { untilBlocked } from './blocked.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

/**
 * The claims of a role that may not lock rows in advance (it has SELECT and DELETE only), while producers
 * hold locks on the rows.
 */
const database = testDatabase();
const claiming = 'uncached_contention';
let pool: Pool;
let queue: Queue;
let producer: Client;
let watcher: Client;

beforeEach(async () => {
  watcher = await connect(database.config);
  await watcher.query(`
    DROP ROLE IF EXISTS uncached_contention;
    CREATE ROLE uncached_contention LOGIN;
    ALTER ROLE uncached_contention SET deadlock_timeout = '10ms';
    GRANT SELECT, DELETE ON cache_clearing_ports TO uncached_contention;
    GRANT USAGE ON SCHEMA uncached TO uncached_contention;
    GRANT SELECT, INSERT ON uncached.log TO uncached_contention;
    GRANT SELECT, UPDATE ON uncached.log_lock TO uncached_contention;
    GRANT SELECT ON uncached.consumer TO uncached_contention;
    TRUNCATE cache_clearing_ports, uncached.log;
    INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'), ('www', 'b')`);
  producer = await connect(database.config);
  // The session that detects a deadlock is the one that is aborted. This makes sure that it is never the
  // producer.
  await producer.query(`SET deadlock_timeout = '1h'`);
  open(patient);
});
afterEach(async () => {
  await pool.end();
  await producer.end();
  await watcher.query('DROP OWNED BY uncached_contention; DROP ROLE uncached_contention');
  await watcher.end();
});

function open(timings: DatabaseTimings): void {
  pool = openPool(openHosts([{ ...database.config, user: claiming }], timings));
  queue = openQueue(pool, {
    handler: 'ports',
    queue: 'cache_clearing_ports',
    columns: ['category', 'port'],
    user: claiming,
    owner: 'test',
  });
}

const takeB = `BEGIN; UPDATE cache_clearing_ports SET date_added = now() WHERE port = 'b'`;

const untilWaiting = (role: string) => untilBlocked(watcher, 1, role);

it('claims again after a deadlock (40P01) that it lost', async () => {
  const before = await deadlocks();
  const other = await connect(database.config);
  try {
    await other.query(`BEGIN; SELECT FROM cache_clearing_ports WHERE port = 'a' FOR UPDATE`);
    await producer.query(takeB);
    const claim = queue.claim(10, null);
    claim.catch(() => {});
    await untilWaiting(claiming);
    // The producer waits for the claim, before the claim goes on to the row of the producer.
    const locked = producer.query('LOCK TABLE cache_clearing_ports IN SHARE MODE; COMMIT');
    await untilWaiting(database.config.user);
    await other.query('ROLLBACK');
    expect(await claim).toMatchObject({ entries: 2 });
    await locked;
  } finally {
    await other.end();
  }
  // A session reports its statistics when it ends at the latest.
  await pool.end();
  open(patient);
  await eventually(
    'a deadlock',
    async () => ((await deadlocks()) > before ? true : undefined),
    async () => 'there was none',
  );
});

async function deadlocks(): Promise<number> {
  const { rows } = await watcher.query<{ n: number }>(
    'SELECT deadlocks::int AS n FROM pg_stat_database WHERE datname = current_database()',
  );
  return rows[0]?.n ?? 0;
}

it('skips what a producer has locked where it may lock rows itself, and says that they remain', async () => {
  await watcher.query('GRANT UPDATE (id) ON cache_clearing_ports TO uncached_contention');
  await producer.query(takeB);
  expect(await queue.claim(10, null)).toMatchObject({ entries: 1, remains: true });
  // A rollback sends no notification.
  await producer.query('ROLLBACK');
  expect(await queue.claim(10, null)).toMatchObject({ entries: 1, remains: false });
});

it('claims at READ COMMITTED, whatever the role has', async () => {
  await watcher.query(
    `ALTER ROLE uncached_contention IN DATABASE "${database.name}" SET default_transaction_isolation = 'serializable'`,
  );
  // A row that changed in the meantime is left for the next claim. Nothing has to be retried.
  await producer.query(takeB);
  const claim = queue.claim(10, null);
  claim.catch(() => {});
  await untilWaiting(claiming);
  await producer.query('COMMIT');
  expect(await claim).toMatchObject({ entries: 1, remains: true });
  expect(await queue.claim(10, null)).toMatchObject({ entries: 1, remains: false });
});

it('waits for nobody longer than the time-outs that every connection has', async () => {
  await pool.end();
  open(usualTimings.database);
  const settings = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const { rows } = await pool.query(
        `SELECT pg_backend_pid() AS pid, pg_sleep(0.1)::text AS slept,
                current_setting('lock_timeout') AS lock, current_setting('statement_timeout') AS statement`,
      );
      return rows[0];
    }),
  );
  expect(new Set(settings.map(({ pid }) => pid)).size).toBe(4);
  for (const one of settings) expect(one).toMatchObject({ lock: '5s', statement: '8s' });

  await producer.query('BEGIN; LOCK TABLE cache_clearing_ports');
  await expect(queue.claim(10, null)).rejects.toMatchObject({ code: '55P03' });
  await producer.query('COMMIT');
  expect(await queue.claim(10, null)).toMatchObject({ entries: 2 });
});
