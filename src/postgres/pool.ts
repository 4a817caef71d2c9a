import pg from 'pg';
import { errorCode, toError } from '../core/errors.ts';
import type { DatabaseTimings } from '../core/timings.ts';
import { asRole, standbyError } from './advice.ts';
import { claimConnections, dependentConnections, usualConnections } from './connection-count.ts';
import { type Hosts, isStandby } from './hosts.ts';
import { askingSession, workingSession } from './session.ts';

/** node-postgres' message for query_timeout. */
export const readTimeout = 'Query read timeout';

export type Pool = Pick<pg.Pool, 'query' | 'end'>;

/**
 * Pooled connections for everything but LISTEN, to the host in use. When another host is found to be the
 * primary, connections to the old one are given up: it may be alive and only cut off, and must not be used
 * again when it can be reached. When one connection is found half-open, all are given up.
 */
export function openPool(
  hosts: Hosts,
  { standbyToo = false, connections = usualConnections, session = workingSession } = {},
): Pool {
  const how = { standbyToo, connections, session, timings: hosts.timings };
  let config = hosts.current();
  let pool = poolFor(config, how);
  let ended = false;

  function inUse(): pg.Pool {
    if (ended || config === hosts.current()) return pool;
    // Not awaited: a host that is gone never confirms. Queries under way end as usual; a query that waits for
    // a connection gets a time-out.
    pool.end().catch(() => {});
    config = hosts.current();
    pool = poolFor(config, how);
    return pool;
  }

  const query = async (...given: unknown[]) => {
    const chosen = inUse();
    const by = config;
    try {
      return await ask(chosen, given);
    } catch (error) {
      // Not even the server's own time-out was reported (session.ts).
      if (toError(error).message === readTimeout) hosts.distrust(by);
      throw asRole(error, by.user);
    }
  };
  const end = () => {
    ended = true;
    return pool.end();
  };
  return { query: query as pg.Pool['query'], end };
}

/**
 * As pg.Pool's own `query`, which however ends the connection at each error: where a lock ran into its time-out,
 * the next query would need another connection, while the server still counts the one before.
 */
async function ask(pool: pg.Pool, given: unknown[]): Promise<pg.QueryResult> {
  const client = await pool.connect();
  // The query reports it, too.
  const ignore = () => {};
  client.on('error', ignore);
  let isBroken = false;
  try {
    return await Reflect.apply(client.query, client, given);
  } catch (error) {
    isBroken = !isOfStatement(error);
    throw error;
  } finally {
    client.removeListener('error', ignore);
    client.release(isBroken);
  }
}

/** The server refused a statement, and the session goes on. Class 57P ends it, 08 and 25P03 report its end. */
function isOfStatement(error: unknown): boolean {
  const code = errorCode(error) ?? '';
  return /^[0-9A-Z]{5}$/.test(code) && !/^(57P|08|25P03|XX)/.test(code) && error instanceof pg.DatabaseError;
}

/**
 * What a daemon needs: claims, which a lock may hold up, have connections of their own.
 * @param most instead, one pool of so many for everything
 */
export function openPools(
  hosts: Hosts,
  { queues, most }: { queues: number; most: number | undefined },
): { readonly pool: Pool; readonly claims: Pool; readonly asking: Pool; end(): Promise<unknown> } {
  const pool = openPool(hosts, { connections: most ?? usualConnections });
  const asking = openAskingPool(hosts);
  if (most !== undefined) return { pool, claims: pool, asking, end: () => endAll(pool, asking) };
  const claims = openPool(hosts, { connections: claimConnections(queues) });
  return { pool, claims, asking, end: () => endAll(pool, claims, asking) };
}

/** For the functions of `expand`; it has no connection until one is asked. */
export function openAskingPool(hosts: Hosts): Pool {
  return openPool(hosts, { connections: dependentConnections, session: askingSession });
}

function endAll(...pools: readonly Pool[]): Promise<unknown> {
  return Promise.all(pools.map((pool) => pool.end()));
}

function poolFor(
  config: pg.ClientConfig,
  {
    standbyToo,
    connections,
    session,
    timings,
  }: {
    standbyToo: boolean;
    connections: number;
    session: (timings: DatabaseTimings) => string;
    timings: DatabaseTimings;
  },
): pg.Pool {
  const pool = new pg.Pool({
    ...config,
    max: connections,
    idleTimeoutMillis: 0,
    onConnect: async (client: pg.ClientBase) => {
      await client.query(session(timings));
      // The answers of a standby may be behind what is committed. A primary that becomes a standby ends its
      // connections first.
      if (!standbyToo && (await isStandby(client))) throw standbyError();
    },
  });
  // An idle connection that breaks is replaced at the next query, which reports an error if that fails as
  // well.
  pool.on('error', () => {});
  return pool;
}
