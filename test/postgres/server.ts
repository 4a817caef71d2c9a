import { Client } from 'pg';
import { type Connection, withClient } from './connection.ts';
import { type LaunchedServer, type LaunchOptions, launchServer } from './launch.ts';

/** A PostgreSQL to test against: a superuser's connection that can be passed to node-postgres. */
export interface Server extends Connection {
  readonly version: string;
  /** The postmaster's process id; undefined for the server of DATABASE_URL. */
  readonly pid?: number;
  /** Stops what we started, and nothing else. May be called again. */
  stop(): Promise<void>;
}

/**
 * Starts a server (see launch.ts), unless DATABASE_URL names a running one. That one is used as it is, and
 * stop() leaves it running. Its role must be allowed to create and drop databases and to see every session in
 * pg_stat_activity: a superuser, or CREATEDB and pg_monitor. Tests that make roles need CREATEROLE too. Two
 * test runs cannot share such a server, because both use the same template database (template.ts).
 *
 * Rejects when options are given together with DATABASE_URL: a running server has its own settings. A test
 * that needs settings, kill() or restart() calls launchServer, which uses PGBIN but not DATABASE_URL.
 */
export async function startServer(options: LaunchOptions = {}): Promise<Server> {
  const url = process.env.DATABASE_URL;
  if (!url) return await launchServer(options);
  if (Object.keys(options).length > 0) {
    throw new Error(
      `Cannot start a server with ${Object.keys(options).join(', ')}: DATABASE_URL names a running one. ` +
        'Unset it, or call launchServer where a test needs a server of its own',
    );
  }
  return await runningServer(url);
}

export type { LaunchedServer, LaunchOptions };
export { launchServer };

async function runningServer(url: string): Promise<Server> {
  const connection = parseUrl(url);
  const version = await withClient(connection, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('SHOW server_version');
    return String(rows[0]?.server_version.split(' ')[0]);
  }).catch((cause: unknown) => {
    throw new Error(`Cannot use the server of DATABASE_URL: ${String(cause)}. Correct the URL or unset it`, {
      cause,
    });
  });
  return { ...connection, version, stop: async () => undefined };
}

/** node-postgres parses the URL. PG* variables supply the missing parts. */
function parseUrl(url: string): Connection {
  const { host, port, user, database, password, ssl } = new Client({ connectionString: url });
  return {
    host,
    port,
    user: user ?? 'postgres',
    database: database ?? 'postgres',
    ...(typeof password === 'string' && { password }),
    ...(ssl && { ssl }),
  };
}
