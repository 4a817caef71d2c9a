import pg from 'pg';
import { standbyError, withAdvice } from './advice.ts';
import { describeConnection } from './connection.ts';

/** The servers that may hold the database, and which of them is used. node-postgres knows one host only. */
export interface Hosts {
  /** How to connect to the one in use: the first, until `findPrimary` has found another. */
  current(): pg.ClientConfig;
  /**
   * Makes the first that is a primary the one in use: a standby, a refused connection and a server that does not answer are all
   * "next, please". With one host there is nothing to find. Rejects with what is wrong with each.
   */
  findPrimary(): Promise<void>;
}

export function openHosts(configs: readonly [pg.ClientConfig, ...pg.ClientConfig[]]): Hosts {
  let [current] = configs;
  return {
    current: () => current,
    async findPrimary() {
      if (configs.length === 1) return;
      // Side by side: one that does not answer costs the time-out once, and nothing if one before it is the primary.
      const answers = configs.map((config) => ({ config, problem: problemOf(config) }));
      const problems: string[] = [];
      for (const { config, problem } of answers) {
        const found = await problem;
        if (found === undefined) {
          current = config;
          return;
        }
        problems.push(found);
      }
      const error = new Error(`Cannot find a primary: ${problems.join('; ')}`);
      throw Object.assign(error, { code: 'ENOPRIMARY' });
    },
  };
}

/** Why it cannot be used; undefined for a primary. Never rejects. */
async function problemOf(config: pg.ClientConfig): Promise<string | undefined> {
  try {
    if (await isPrimary(config)) return undefined;
    throw standbyError();
  } catch (error) {
    return withAdvice(describeConnection(config), error).message;
  }
}

async function isPrimary(config: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client(config);
  // What breaks after the answer is of no interest here.
  client.on('error', () => {});
  try {
    await client.connect();
    return !(await isStandby(client));
  } finally {
    client.end().catch(() => {});
  }
}

export async function isStandby(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
  return rows[0]?.standby === true;
}
