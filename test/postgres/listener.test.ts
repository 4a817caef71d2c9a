import { setImmediate as turn } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { connectionConfigs } from '../../src/postgres/connection.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { type Listening, listen } from '../../src/postgres/listener.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { FaultProxy } from '../faults/proxy.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase({ template: 'template0' });
let proxy: FaultProxy;
let pool: Pool;
let listening: Listening;
/** The heartbeat has been sent, and the server has taken it. */
let sent: Promise<void>;

beforeEach(async () => {
  proxy = await FaultProxy.open(database.config);
  const { host, port, user, password } = proxy.connection;
  const settings = { host, port: [port], user, dbname: database.name, ...(password && { password }) };
  const hosts = openHosts(connectionConfigs(settings, { env: {} }));
  pool = openPool(hosts);
  let tell = () => {};
  sent = new Promise((resolve) => {
    tell = resolve;
  });
  const query = async (...given: [string, unknown[]]) => {
    const answer = await pool.query(...given);
    tell();
    return answer;
  };
  listening = await listen(hosts.current(), { query: query as Pool['query'], end: pool.end }, [], () => {});
});
afterEach(async () => {
  listening.close();
  await pool.end();
  await proxy.close();
});

it('is deaf when nothing is heard of a notification that was sent', async () => {
  proxy.freeze('listener');
  await expect(listening.heartbeat()).rejects.toThrow('not heard within 2 s');
});

it('is not taken for deaf because this machine stood still', async () => {
  proxy.freeze('listener');
  const heard = listening.heartbeat();
  await sent;
  // The time-out begins in this turn at the latest.
  await turn();
  await proxy.heal();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_500);
  await heard;
});
