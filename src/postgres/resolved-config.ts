import pg from 'pg';
import type { DatabaseTimings } from '../core/timings.ts';

/**
 * What an application gives to node-postgres, with what is missing filled in as node-postgres does: from a
 * connection string or the environment. The listener makes a connection of its own (listener.ts), which needs
 * the parts.
 */
export function resolvedConfig(given: pg.ClientConfig, timings: DatabaseTimings): pg.ClientConfig {
  const { host, port, user, database, password, ssl } = new pg.Client(given);
  return {
    host,
    port,
    user,
    database,
    password,
    ssl,
    sslnegotiation: 'postgres',
    // No session of ours that begins with "uncached " is an application's: those are daemons (session-name.ts).
    application_name: `${given.application_name ?? ''} uncached-memory-cache`.trimStart(),
    keepAlive: true,
    connectionTimeoutMillis: timings.connectMs,
    query_timeout: timings.queryMs,
  };
}
