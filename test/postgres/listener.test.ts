import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Listener } from '../../src/core/listener-contract.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { connectionConfigs } from '../../src/postgres/connection.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { listen } from '../../src/postgres/listener.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { eventually } from '../faults/eventually.ts';
import { FaultProxy } from '../faults/proxy.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase({ template: 'template0' });
let proxy: FaultProxy;
let pool: Pool;
let listening: Listener;
/** The listener hears only after this that the server has taken its heartbeat. */
let held: Promise<void>;
/** Only the time-out of the delivery is the usual one. */
const timings = { ...patient, deliveryMs: usualTimings.database.deliveryMs };

beforeEach(async () => {
  proxy = await FaultProxy.open(database.config);
  const { host, port, user, password } = proxy.connection;
  const settings = { host, port: [port], user, dbname: database.name, ...(password && { password }) };
  const hosts = openHosts(connectionConfigs(settings, { env: {}, timings }), timings);
  pool = openPool(hosts);
  held = Promise.resolve();
  const query = async (...given: [string, unknown[]]) => {
    const answer = await pool.query(...given);
    await held;
    return answer;
  };
  listening = await listen(hosts, { query: query as Pool['query'], end: pool.end }, [], () => {});
});
afterEach(async () => {
  listening.close();
  await pool.end();
  await proxy.close();
});

async function backend(): Promise<number> {
  const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

it('receives what comes with a notification on a channel called "error"', async () => {
  const received: string[] = [];
  const hosts = openHosts([database.config], patient);
  const other = await listen(hosts, pool, ['error', 'port_updated'], (channel) => received.push(channel));
  try {
    // In one message: after an exception its remaining content would be lost.
    await pool.query('NOTIFY error; NOTIFY port_updated');
    await other.heartbeat();
    expect(received).toEqual(['error', 'port_updated']);
  } finally {
    other.close();
  }
});

it('is not receiving when a notification that was sent does not arrive', async () => {
  const pid = await backend();
  proxy.freeze('listener');
  await expect(listening.heartbeat()).rejects.toThrow('did not arrive within 2 s');
  // The cause of the lost listener may also have broken the older connections.
  expect(await backend()).not.toBe(pid);
});

it('is not considered lost because this machine was suspended', async () => {
  proxy.freeze('listener');
  const [link] = proxy.links('listener');
  const before = link?.received ?? 0;
  let release = () => {};
  held = new Promise((resolve) => {
    release = resolve;
  });
  const heard = listening.heartbeat();
  await eventually(
    'sent to the frozen listener',
    async () => ((link?.received ?? 0) > before ? true : undefined),
    async () => `${before} bytes as before`,
  );
  release();
  // The time-out starts in this turn of the event loop at the latest.
  await turn();
  await proxy.heal();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
  await heard;
});

it('is not deceived by a heartbeat of somebody else, who has seen the channel', async () => {
  const forger: Pool['query'] = (async () => {
    const { rows } = await pool.query<{ channel: string }>(
      `SELECT substring(query FROM 'uncached_heartbeat_[0-9a-f]+') AS channel FROM pg_stat_activity
       WHERE datname = current_database() AND query LIKE 'LISTEN uncached_heartbeat%'`,
    );
    expect(rows).toHaveLength(1);
    for (const { channel } of rows)
      for (const payload of ['', 'x']) await pool.query('SELECT pg_notify($1, $2)', [channel, payload]);
    return { rows: [] };
  }) as unknown as Pool['query'];
  const other = await listen(
    openHosts([database.config], timings),
    { query: forger, end: pool.end },
    ['port_updated'],
    () => {},
  );
  try {
    await expect(other.heartbeat()).rejects.toThrow('did not arrive');
  } finally {
    other.close();
  }
});
