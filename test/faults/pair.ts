import { type Connection, connectionOf, withClient } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { replicationBinaries } from '../postgres/replication.ts';
import { makeTemplate } from '../postgres/template.ts';
import { iniFor, type Site } from '../site.ts';
import { eventually } from './eventually.ts';

const database = 'uncached_pair';

/** A primary and a standby that streams from it, both on 127.0.0.1, with one database that has the schema. */
export class Pair {
  readonly primary: LaunchedServer;
  readonly standby: LaunchedServer;
  readonly #servers: LaunchedServer[];

  private constructor(primary: LaunchedServer, standby: LaunchedServer) {
    this.primary = primary;
    this.standby = standby;
    this.#servers = [standby, primary];
  }

  static async open(): Promise<Pair> {
    const primary = await launchServer({ ...binaries(), tcp: true });
    try {
      await makeTemplate(primary);
      await createDatabase(primary, { name: database });
      return new Pair(primary, await launchServer({ ...binaries(), tcp: true, standbyOf: primary }));
    } catch (error) {
      await primary.stop();
      throw error;
    }
  }

  /** Replaces a stopped server by a new one, which is a standby of the other. */
  async replace(gone: LaunchedServer, standbyOf: LaunchedServer): Promise<LaunchedServer> {
    await gone.stop();
    const server = await launchServer({ ...binaries(), tcp: gone.port, standbyOf });
    this.#servers.push(server);
    return server;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#servers.map((server) => server.stop()));
  }

  /** Resolves when the standby has replayed everything that is committed. */
  async caughtUp(): Promise<void> {
    // Claims commit asynchronously. A synchronous commit flushes them as well.
    const [sent] = await query<{ lsn: string }>(
      this.primary,
      `SELECT pg_logical_emit_message(true, 'test', '')::text AS lsn`,
    );
    await this.#seen('caught up', 'pg_last_wal_replay_lsn() > $1::pg_lsn', [sent?.lsn]);
  }

  /** From now on the standby receives nothing. What is committed after this will be lost. */
  async detach(): Promise<void> {
    await query(this.standby, `ALTER SYSTEM SET primary_conninfo = ''`);
    await query(this.standby, 'SELECT pg_reload_conf()');
    await this.#seen('detached', 'NOT EXISTS (SELECT FROM pg_stat_wal_receiver)');
  }

  async #seen(what: string, condition: string, values: unknown[] = []): Promise<void> {
    const ask = async () =>
      (await query<{ holds: boolean }>(this.standby, `SELECT ${condition} AS holds`, values))[0]?.holds;
    await eventually(
      what,
      async () => ((await ask()) ? true : undefined),
      async () => condition,
    );
  }
}

function binaries(): { binaries: string } {
  const found = replicationBinaries();
  if (found === undefined) throw new Error('Cannot make a standby: there is no pg_basebackup');
  return { binaries: found };
}

export async function promote(standby: LaunchedServer): Promise<void> {
  await query(standby, 'SELECT pg_promote()');
}

export function query<Row extends object>(
  server: LaunchedServer,
  sql: string,
  values: unknown[] = [],
): Promise<Row[]> {
  return withClient(at(server), async (client) => (await client.query<Row>(sql, values)).rows);
}

/** The connection to the database on this server. */
export function at(server: LaunchedServer): Connection {
  return { ...connectionOf(server), host: '127.0.0.1', database };
}

/** A configuration with a list of hosts. */
export function iniForHosts(
  site: Site,
  servers: readonly LaunchedServer[],
  { settle = '0s', heartbeat = '1s' } = {},
): string {
  const [first] = servers;
  if (!first) throw new Error('Cannot configure hosts: there is none');
  const more = `[daemon]\nheartbeat = ${heartbeat}`;
  return iniFor(site, at(first), { settle, more, tls: 'sslmode = disable' })
    .replace(/^host = .*$/m, `host = ${servers.map(() => '127.0.0.1').join(',')}`)
    .replace(/^port = .*$/m, `port = ${servers.map(({ port }) => port).join(',')}`);
}
