import pg from 'pg';
import { withAdvice } from './advice.ts';
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
      const problems: Error[] = [];
      for (const config of configs) {
        try {
          if (await isPrimary(config)) {
            current = config;
            return;
          }
          problems.push(new Error(`${describeConnection(config)} is a standby`));
        } catch (error) {
          problems.push(withAdvice(describeConnection(config), error));
        }
      }
      const error = new Error(`Cannot find a primary: ${problems.map(({ message }) => message).join('; ')}`);
      throw Object.assign(error, { code: 'ENOPRIMARY' });
    },
  };
}

async function isPrimary(config: pg.ClientConfig): Promise<boolean> {
  const client = new pg.Client(config);
  // What breaks after the answer is of no interest here.
  client.on('error', () => {});
  try {
    await client.connect();
    const { rows } = await client.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
    return rows[0]?.standby === false;
  } finally {
    client.end().catch(() => {});
  }
}
