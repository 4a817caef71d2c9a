import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connectionConfigs } from '../../src/postgres/connection.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { withClient } from './connection.ts';
import { createDatabase } from './database.ts';
import { type LaunchedServer, launchServer } from './launch.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

const name = `uncached_hosts_${randomBytes(4).toString('hex')}`;
const primary = testDatabase({ name, template: 'template0' });
let standby: LaunchedServer;

/** A server that claims to be a standby: PostgreSQL's own function is replaced. */
beforeAll(async () => {
  standby = await launchServer();
  await createDatabase(standby, { name, template: 'template0' });
  await withClient({ ...standby, database: name }, (client) =>
    client.query(`
      SET allow_system_table_mods = on;
      CREATE OR REPLACE FUNCTION pg_catalog.pg_is_in_recovery() RETURNS boolean LANGUAGE sql AS 'SELECT true'`),
  );
});
afterAll(() => standby.stop());

async function listenAnywhere(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const open = (host: string, port: readonly number[]) =>
  openHosts(connectionConfigs({ host, port, dbname: name, user: 'postgres' }, { env: {}, timings: patient }));

describe('findPrimary', () => {
  it('passes over what refuses and what is a standby', async () => {
    const { host, port } = primary.config;
    const hosts = open(`/nowhere, ${standby.host},${host}`, [1, standby.port, port]);
    await hosts.findPrimary();
    expect(hosts.current().host).toBe(host);
    const pool = openPool(hosts);
    try {
      const { rows } = await pool.query('SHOW unix_socket_directories');
      const [shown] = rows;
      expect(shown.unix_socket_directories).toContain(host);
    } finally {
      await pool.end();
    }
  });

  it('asks all concurrently: a host that does not answer delays no other', async () => {
    const silent = createServer((socket) => socket.on('error', () => {}));
    const asked: Promise<Socket[]> = once(silent, 'connection');
    // The silent host is asked first. The second one closes the connection of the silent one once it is asked
    // itself.
    const second = createServer(async (socket) => {
      socket.destroy();
      for (const waiting of await asked) waiting.destroy();
    });
    const port = await Promise.all([silent, second].map(listenAnywhere));
    const hosts = openHosts(
      connectionConfigs(
        { host: '127.0.0.1,127.0.0.1', port, sslmode: 'disable' },
        { env: {}, timings: patient },
      ),
    );
    const error: unknown = await hosts.findPrimary().catch((reason) => reason);
    expect(String(error)).toMatch(/Cannot find a primary: .*terminated.*; .*terminated/);
    for (const server of [silent, second]) server.close();
  });

  it('finds another when the one in use is gone, and reports what is wrong with each if there is none', async () => {
    const hosts = open(`/nowhere,${standby.host}`, [standby.port]);
    await expect(hosts.findPrimary()).rejects.toThrow(
      /Cannot find a primary: postgres@\/nowhere.*is PostgreSQL running.*; postgres@.* is a standby/,
    );
  });
});
