import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Listener } from '../../src/core/listener-contract.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { connectionConfigs } from '../../src/postgres/connection.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { pollInstead } from '../../src/postgres/polling.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { FaultProxy } from '../faults/proxy.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase({ template: 'template0' });
let proxy: FaultProxy;
let pool: Pool;
let session: Listener;
/** Only the time-out of the heartbeat is the usual one. */
const timings = { ...patient, sendMs: usualTimings.database.sendMs };

beforeEach(async () => {
  proxy = await FaultProxy.open(database.config);
  const { host, port, user, password } = proxy.connection;
  const settings = { host, port: [port], user, dbname: database.name, ...(password && { password }) };
  const hosts = openHosts(connectionConfigs(settings, { env: {}, timings }), timings);
  pool = openPool(hosts);
  session = await pollInstead(hosts, pool);
});
afterEach(async () => {
  await proxy.heal();
  session.close();
  await pool.end();
  await proxy.close();
});

async function backend(): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

it('is alive as long as its session is', async () => {
  for (let n = 0; n < 2; n++) await session.heartbeat();
});

it('is lost when the server ends every session, as a crash does, although it takes new ones at once', async () => {
  await backend();
  for (const link of proxy.links()) link.cut();
  expect((await session.lost).message).toBe('PostgreSQL, or what is in between, closed it');
  await expect(session.heartbeat()).rejects.toThrow();
});

it('is not alive when its session is half-open, and takes older connections for half-open, too', async () => {
  const pid = await backend();
  const [own] = proxy.links();
  own?.freeze();
  await expect(session.heartbeat()).rejects.toThrow('Query read timeout');
  expect(await backend()).not.toBe(pid);
});
