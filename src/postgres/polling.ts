import pg from 'pg';
import type { Listener } from '../core/listener-contract.ts';
import { asRole, withAdvice } from './advice.ts';
import type { Hosts } from './hosts.ts';
import { type Pool, readTimeout } from './pool.ts';
import { workingSession } from './session.ts';

/**
 * What a daemon that polls has in the place of a listener, since each session that listens makes every commit with a
 * NOTIFY dearer for the whole database: a session without LISTEN. A server that crashes ends all sessions before it
 * takes a new one, however soon it is back. The pool would only replace its own, and nobody would know that claims
 * may have been undone, and their ids given to other rows.
 */
export async function pollInstead(hosts: Hosts, pool: Pool): Promise<Listener> {
  const config = hosts.current();
  const client = new pg.Client({ ...config, query_timeout: hosts.timings.sendMs });
  const lost = new Promise<Error>((resolve) => {
    const ended = () => resolve(new Error('PostgreSQL, or what is in between, closed it'));
    client.on('error', ended);
    client.on('end', ended);
  });
  // Not awaited: a half-open link never confirms.
  const close = () => void client.end().catch(() => {});
  let own: number;
  try {
    await client.connect();
    await client.query(workingSession(hosts.timings));
    own = await processOf(client);
  } catch (error) {
    close();
    throw withAdvice('Cannot connect', asRole(error, config.user));
  }
  return {
    lost,
    /** Proves that the database answers, and that this is still the session that ends when the server crashes. */
    async heartbeat() {
      try {
        const now = await processOf(client);
        if (now !== own || now === (await processOf(pool))) throw new SharedSessionError();
      } catch (error) {
        // Not even the server's own time-out was reported (session.ts).
        if (error instanceof Error && error.message === readTimeout) hosts.distrust(config);
        throw error;
      }
    },
    close,
  };
}

/** The process of the server that answers. */
async function processOf(session: Pick<Pool, 'query'>): Promise<number> {
  const { rows } = await session.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  return rows[0]?.pid ?? 0;
}

/** A pooler gives each transaction another session of the server: it does not end ours when the server crashes. */
class SharedSessionError extends Error {
  constructor() {
    super(
      'the session changes or shares its process of the server: the connection leads through a pooler in transaction or statement mode; connect to PostgreSQL itself or to a pooler in session mode',
    );
    this.name = 'SharedSessionError';
  }
}
