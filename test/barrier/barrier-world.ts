import { Client, escapeIdentifier } from 'pg';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import { barrierSql } from '../../src/postgres/sql-files.ts';
import { claimAll } from '../postgres/claim.ts';
import { type Connection, connectionOf, withClient } from '../postgres/connection.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { versions } from '../postgres/versions.ts';
import { install } from '../sql/sql-file.ts';

/** The newest version, and one that is old. */
export const servers: readonly { title: string; binaries?: string | undefined; missing: boolean }[] = [
  { title: 'PostgreSQL of this package', missing: false },
  ...versions()
    .filter(({ major }) => major === 14)
    .map(({ title, binaries }) => ({ title, binaries, missing: binaries === undefined })),
];

/** A table of pages whose changes are in a changelog and enqueue; and one cache that clears both handlers. */
const tables = `
  CREATE TABLE pages (k text PRIMARY KEY, v int NOT NULL);
  CREATE TABLE changelog (
    id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    k   text,
    v   int,
    xid xid8 NOT NULL DEFAULT pg_current_xact_id()
  );
  CREATE INDEX ON changelog (xid, id);
  CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO changelog (k, v) VALUES (NEW.k, NEW.v);
    RETURN NULL;
  END $$;
  CREATE TRIGGER note AFTER UPDATE ON pages FOR EACH ROW EXECUTE FUNCTION note();
  CREATE TRIGGER enqueue AFTER UPDATE ON pages FOR EACH ROW
    EXECUTE FUNCTION uncached.enqueue('public.cache_clearing_ports', 'port_updated', 'category=k', 'port=k');
  INSERT INTO pages VALUES ('a', 1), ('b', 1)`;

/** Empties everything but the pages, and leaves one cache that follows the log. */
const fresh = `
  TRUNCATE cache_clearing_ports, cache_clearing_dates, changelog, uncached.log, uncached.failing, uncached.consumer, uncached.barrier,
    uncached.root;
  INSERT INTO uncached.barrier VALUES
    ('listen_port', 'public.cache_clearing_ports'), ('listen_date_updated', 'public.cache_clearing_dates'), ('news', '');
  INSERT INTO uncached.consumer (id, kind, name, handlers, state, settled_to, cleared_to)
  VALUES ('web1', 'files', 'files', '{listen_port,listen_date_updated,news}', 'live', 0, 0)`;

export interface BarrierWorld {
  readonly server: LaunchedServer;
  readonly config: Connection;
  /** Asks, and does what a daemon does. */
  readonly client: Client;
  /** Two producers. */
  readonly one: Client;
  readonly two: Client;
  readonly pool: Pool;
  reset(): Promise<void>;
  connect(as?: Partial<Connection>): Promise<Client>;
  /** As a daemon claims. */
  claim(): Promise<void>;
  /** As a daemon advances a cursor to the end of the log. */
  advance(cursor: 'cleared_to' | 'settled_to', consumer?: string): Promise<void>;
  /** Claims and settles. */
  settle(): Promise<void>;
  horizon(args?: string): Promise<bigint>;
  isCleared(xid: bigint, args?: string): Promise<boolean>;
  /** The number of the transaction that is open there. */
  xidOf(client: Client): Promise<bigint>;
  /** One update of a page in a transaction of its own; returns that. */
  change(client: Client, k: string): Promise<bigint>;
  close(): Promise<void>;
}

export async function openBarrierWorld(binaries: string | undefined): Promise<BarrierWorld> {
  const server = await launchServer({
    ...(binaries !== undefined && { binaries }),
    settings: { max_prepared_transactions: '5' },
  });
  await withClient(server, (client) => client.query('CREATE DATABASE site'));
  const config = { ...connectionOf(server), database: 'site' };
  const clients: Client[] = [];
  const connect = async (as: Partial<Connection> = {}) => {
    const client = new Client({ ...config, ...as });
    clients.push(client);
    await client.connect();
    return client;
  };
  const client = await connect();
  await install(client);
  await client.query(barrierSql([{ handler: 'listen_port', queue: 'public.cache_clearing_ports' }]));
  await client.query(tables);
  const [one, two] = [await connect(), await connect()];
  const pool = openPool(openHosts([config]));
  const queue = openQueue(pool, {
    handler: 'listen_port',
    queue: 'cache_clearing_ports',
    columns: ['category', 'port'],
    user: 'postgres',
    owner: 'me',
  });
  const world: BarrierWorld = {
    server,
    config,
    client,
    one,
    two,
    pool,
    connect,
    async reset() {
      await Promise.all([one.query('ROLLBACK'), two.query('ROLLBACK')]);
      const { rows } = await client.query(
        'SELECT gid FROM pg_prepared_xacts WHERE database = current_database()',
      );
      for (const { gid } of rows) await client.query(`ROLLBACK PREPARED '${gid}'`);
      await client.query(fresh);
    },
    claim: async () => void (await claimAll(queue, 100)),
    async advance(cursor, consumer = 'web1') {
      await client.query(
        `UPDATE uncached.consumer SET ${escapeIdentifier(cursor)} = (SELECT max(id) FROM uncached.log) WHERE id = $1`,
        [consumer],
      );
    },
    async settle() {
      await world.claim();
      await world.advance('cleared_to');
      await world.advance('settled_to');
    },
    horizon: async (args = '') => numberOf(client, `uncached.horizon(${args})`),
    async isCleared(xid, args = '') {
      const { rows } = await client.query(
        `SELECT uncached.is_cleared('${xid}'${args && `, ${args}`}) AS yes`,
      );
      return rows[0]?.yes;
    },
    xidOf: (of) => numberOf(of, 'pg_current_xact_id()'),
    async change(by, k) {
      const { rows } = await by.query(
        'UPDATE pages SET v = v + 1 WHERE k = $1 RETURNING pg_current_xact_id()::text AS xid',
        [k],
      );
      return BigInt(rows[0]?.xid);
    },
    async close() {
      await pool.end();
      await Promise.all(clients.map((each) => each.end()));
      await server.stop();
    },
  };
  return world;
}

export async function numberOf(client: Client, expression: string): Promise<bigint> {
  const { rows } = await client.query(`SELECT ${expression}::text AS number`);
  return BigInt(rows[0]?.number);
}
