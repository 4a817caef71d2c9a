import pg from 'pg';
import { type DatabaseTimings, usualTimings } from '../core/timings.ts';
import { asRole, standbyError, withAdvice } from './advice.ts';
import { describeConnection } from './connection.ts';

/** The servers that may hold the database, and which of them is used. node-postgres knows only one host. */
export interface Hosts {
  readonly timings: DatabaseTimings;
  /** How to connect to the host in use: the first, until `findPrimary` has found another. */
  current(): pg.ClientConfig;
  /**
   * Chooses the first host that is a primary; it skips a standby, a refused connection and a server that does
   * not answer. With one host there is nothing to choose. Rejects with what is wrong with each.
   */
  findPrimary(): Promise<void>;
  /**
   * Called when a connection made with `config` turned out to be half-open. The same cause may have broken
   * the others, and each would cost its own time-out. From now on `current` is another object, for the same
   * host, and pools make new connections.
   */
  distrust(config: pg.ClientConfig): void;
}

export function openHosts(
  configs: readonly [pg.ClientConfig, ...pg.ClientConfig[]],
  timings = usualTimings.database,
): Hosts {
  let [inUse] = configs;
  let current = inUse;
  return {
    timings,
    current: () => current,
    async findPrimary() {
      if (configs.length === 1) return;
      // In parallel: a host that does not answer costs the time-out once, and nothing if one before it is the
      // primary.
      const answers = configs.map((config) => ({ config, problem: problemOf(config) }));
      const problems: string[] = [];
      for (const { config, problem } of answers) {
        const found = await problem;
        if (found === undefined) {
          if (config !== inUse) current = config;
          inUse = config;
          return;
        }
        problems.push(found);
      }
      const error = new Error(`Cannot find a primary: ${problems.join('; ')}`);
      throw Object.assign(error, { code: 'ENOPRIMARY' });
    },
    distrust(config) {
      // Once for all connections made with it.
      if (config === current) current = { ...config };
    },
  };
}

/** Why it cannot be used; undefined for a primary. Never rejects. */
async function problemOf(config: pg.ClientConfig): Promise<string | undefined> {
  try {
    if (await isPrimary(config)) return undefined;
    throw standbyError();
  } catch (error) {
    return withAdvice(describeConnection(config), asRole(error, config.user)).message;
  }
}

async function isPrimary(config: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client(config);
  // Errors after the answer do not matter here.
  client.on('error', () => {});
  try {
    await client.connect();
    return !(await isStandby(client));
  } finally {
    client.end().catch(() => {});
  }
}

/** Qualified: the session's search_path may still be the role's (session.ts). */
export async function isStandby(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean }>(
    'SELECT pg_catalog.pg_is_in_recovery() AS standby',
  );
  return rows[0]?.standby === true;
}
