import type { ClientConfig } from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isOutage } from '../../src/core/errors.ts';
import { type Hosts, openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { eventually } from '../faults/eventually.ts';
import { FaultProxy } from '../faults/proxy.ts';
import { connect } from '../sql/connect.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase({ template: 'template0' });
/** A session that asks for the lock waits until it is released. */
const lock = 'SELECT pg_backend_pid() AS pid, pg_advisory_lock(1), pg_advisory_unlock(1)';

let proxy: FaultProxy;
let holder: Awaited<ReturnType<typeof connect>>;
let hosts: Hosts;
let pools: readonly [Pool, Pool];

beforeEach(async () => {
  proxy = await FaultProxy.open(database.config);
  holder = await connect(database.config);
  const config: ClientConfig = { ...proxy.connection, query_timeout: patient.queryMs };
  hosts = openHosts([config, { ...config }], patient);
  pools = [openPool(hosts), openPool(hosts)];
});
afterEach(async () => {
  await proxy.heal();
  await Promise.all(pools.map((pool) => pool.end()));
  await holder.end();
  await proxy.close();
});

async function pidOf(pool: Pool): Promise<number> {
  const { rows } = await pool.query('SELECT pg_backend_pid() AS pid');
  return rows[0].pid;
}

/** Three connections each: a query that is running takes a connection from the next one. */
async function fill(): Promise<void> {
  await holder.query('SELECT pg_advisory_lock(1)');
  const waiting = pools.flatMap((pool) => [1, 2, 3].map(() => pool.query(lock)));
  await holder.query('SELECT pg_advisory_unlock(1)');
  await Promise.all(waiting);
  expect(proxy.links()).toHaveLength(6);
}

it('takes every connection of both pools for half-open when one is', async () => {
  await fill();
  for (const link of proxy.links()) link.freeze();
  const [one, other] = pools;
  const impatient = { text: 'SELECT 1', query_timeout: 500 };
  await expect(one.query(impatient)).rejects.toThrow('Query read timeout');
  // Each of these would time out as well.
  for (const pool of [one, other, one, other]) await pidOf(pool);
});

it('keeps the connection on which the server has refused a statement, and replaces one that the server ends', async () => {
  const [pool] = pools;
  const pid = await pidOf(pool);
  await expect(pool.query('SELECT 1 / 0')).rejects.toThrow('division by zero');
  await holder.query('BEGIN; LOCK TABLE pg_description');
  await expect(pool.query('SET lock_timeout = 1; TABLE pg_description')).rejects.toThrow('lock timeout');
  await holder.query('COMMIT');
  expect(await pidOf(pool)).toBe(pid);
  await expect(pool.query('SELECT pg_terminate_backend(pg_backend_pid())')).rejects.toThrow();
  expect(await pidOf(pool)).not.toBe(pid);
});

it('lets a query that is under way on another connection finish, and does not use that connection again', async () => {
  const [one, other] = pools;
  await holder.query('SELECT pg_advisory_lock(1)');
  const underWay = other.query(lock);
  await eventually(
    'waiting',
    async () => ((await waits()) ? true : undefined),
    async () => `${proxy.links().length} connections`,
  );
  hosts.distrust(hosts.current());
  const pids = [await pidOf(one), await pidOf(other)];
  await holder.query('SELECT pg_advisory_unlock(1)');
  const { rows } = await underWay;
  pids.push(await pidOf(other));
  expect(pids).not.toContain(rows[0].pid);
  await linked(2);
});

it('reconnects once for all that were connected before', async () => {
  const [one] = pools;
  const before = hosts.current();
  hosts.distrust(before);
  const pid = await pidOf(one);
  hosts.distrust(before);
  await hosts.findPrimary();
  expect(await pidOf(one)).toBe(pid);
});

it('takes it for an outage that no connection becomes free', async () => {
  // The first connection has to be made within this time, too.
  const config = { ...database.config, connectionTimeoutMillis: 5_000 };
  const few = openPool(openHosts([config], patient), { connections: 1 });
  await holder.query('SELECT pg_advisory_lock(1)');
  const underWay = few.query(lock);
  const error: unknown = await few.query('SELECT').catch((reason) => reason);
  expect(error).toBeInstanceOf(Error);
  expect(isOutage(error)).toBe(true);
  await holder.query('SELECT pg_advisory_unlock(1)');
  await underWay;
  await few.end();
});

it('connects no more once it has ended', async () => {
  const ended = openPool(hosts);
  await ended.end();
  hosts.distrust(hosts.current());
  await expect(ended.query('SELECT')).rejects.toThrow('after calling end');
});

it('keeps its connections when the server ends a statement by itself', async () => {
  await fill();
  await holder.query('SELECT pg_advisory_lock(1)');
  const [one, other] = pools;
  await expect(one.query(`SET lock_timeout = '10ms'; ${lock}`)).rejects.toThrow('lock timeout');
  for (const pool of [one, other]) await pidOf(pool);
  expect(proxy.links()).toHaveLength(6);
});

async function waits(): Promise<boolean> {
  const { rows } = await holder.query(
    `SELECT FROM pg_locks WHERE NOT granted AND locktype = 'advisory'
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  return rows.length > 0;
}

/** Resolves when there are this many connections. A connection ends a while after it was asked to. */
async function linked(count: number): Promise<void> {
  await eventually(
    `down to ${count} connections`,
    async () => (proxy.links().length === count ? true : undefined),
    async () => `${proxy.links().length} connections`,
  );
}
