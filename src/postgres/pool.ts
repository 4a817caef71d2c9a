import pg from 'pg';
import { standbyError } from './advice.ts';
import { type Hosts, isStandby } from './hosts.ts';

/** Claims, looks and settlings of all handlers share these; each is short. */
const connections = 4;

/**
 * - datestyle: keys are text, and templates read dates as ISO.
 * - synchronous_commit: a claim lost in a crash of the server is an entry back in the queue, so that waiting for the disk buys
 *   nothing; it is most of a claim's latency.
 * - plan_cache_mode, jit: one statement run for ever needs no second thought.
 * - enable_seqscan: of a queue table the server knows that it is empty, as it nearly always is. With a plan made for that, each claim of a
 *   backlog would read all that is left: 100 ms for 20,000 entries, against 5.
 * - lock_timeout, statement_timeout: nobody waits for us for long, and we for nobody. Shorter than query_timeout (connection.ts),
 *   so that the server gives up first and the connection stays usable.
 * - client_encoding: to a client of UTF8 an SQL_ASCII server refuses a whole result because of one byte that is no UTF-8, and so one
 *   entry would block its queue for ever (json.ts reads such bytes).
 */
const session = `
  SET datestyle = 'ISO, YMD';
  SET synchronous_commit = off;
  SET plan_cache_mode = force_generic_plan;
  SET jit = off;
  SET enable_seqscan = off;
  SET lock_timeout = '5s';
  SET statement_timeout = '8s';
  SELECT set_config('client_encoding', 'SQL_ASCII', false) WHERE current_setting('server_encoding') = 'SQL_ASCII'`;

export type Pool = Pick<pg.Pool, 'query' | 'end'>;

/**
 * Kept connections for everything but LISTEN, to the host in use. When another is found to be the primary, those to the old one are
 * given up: it may be alive and only cut off, and must not be asked again when it can be reached.
 */
export function openPool(hosts: Hosts, { standbyToo = false } = {}): Pool {
  let config = hosts.current();
  let pool = poolFor(config, standbyToo);

  function inUse(): pg.Pool {
    if (config === hosts.current()) return pool;
    // Not awaited: a host that is gone never confirms. What waits for a connection there is told so by its time-out.
    pool.end().catch(() => {});
    config = hosts.current();
    pool = poolFor(config, standbyToo);
    return pool;
  }

  const query = (...given: unknown[]) => {
    const chosen = inUse();
    return Reflect.apply(chosen.query, chosen, given);
  };
  return { query: query as pg.Pool['query'], end: () => pool.end() };
}

/** Settings are sent by SET: poolers refuse unknown start-up parameters. */
function poolFor(config: pg.ClientConfig, standbyToo: boolean): pg.Pool {
  const pool = new pg.Pool({
    ...config,
    max: connections,
    idleTimeoutMillis: 0,
    onConnect: async (client: pg.ClientBase) => {
      await client.query(session);
      // What a standby answers may be behind what is committed; and a primary that becomes one ends its connections first.
      if (!standbyToo && (await isStandby(client))) throw standbyError();
    },
  });
  // An idle connection that breaks is replaced at the next query, which tells if that fails as well.
  pool.on('error', () => {});
  return pool;
}
