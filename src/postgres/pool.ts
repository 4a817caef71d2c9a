import pg from 'pg';
import type { Hosts } from './hosts.ts';

/** Claims, looks and settlings of all handlers share these; each is short. */
const connections = 4;

/**
 * - datestyle: keys are text, and templates read dates as ISO.
 * - synchronous_commit: a claim lost in a crash of the server is an entry back in the queue, so that waiting for the disk buys
 *   nothing; it is most of a claim's latency.
 * - plan_cache_mode, jit: one statement run for ever needs no second thought.
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
  SET lock_timeout = '5s';
  SET statement_timeout = '8s';
  SELECT set_config('client_encoding', 'SQL_ASCII', false) WHERE current_setting('server_encoding') = 'SQL_ASCII'`;

/** Kept connections for everything but LISTEN. Settings are sent by SET: poolers refuse unknown start-up parameters. */
export function openPool(hosts: Hosts): pg.Pool {
  const pool = new pg.Pool({
    // The pool makes clients later, when another host may be in use.
    Client: class extends pg.Client {
      constructor() {
        super(hosts.current());
      }
    },
    connectionTimeoutMillis: hosts.current().connectionTimeoutMillis,
    max: connections,
    idleTimeoutMillis: 0,
    onConnect: async (client: pg.ClientBase) => {
      await client.query(session);
    },
  });
  // An idle connection that breaks is replaced at the next query, which tells if that fails as well.
  pool.on('error', () => {});
  return pool;
}
