import { randomBytes } from 'node:crypto';
import { type Client, DatabaseError, escapeIdentifier, escapeLiteral } from 'pg';
import { type Connection, connectionOf, withClient } from './connection.ts';

export interface DatabaseOptions {
  /** The database to copy. Default: `uncached_template` where template.ts has made it, else template0. */
  template?: string;
  /**
   * For example SQL_ASCII, with locale C. Copies template0 by default, the only template whose encoding may
   * be changed.
   */
  encoding?: string;
  /**
   * The exact name, up to 63 bytes, dots allowed. It is taken if another test uses it. Default: a new name.
   */
  name?: string;
}

export interface Database {
  name: string;
  /** For new Client(config). */
  config: Connection;
  /**
   * Removes the database. If a client is still connected after as many attempts, of 5 s each, it is removed
   * all the same, and the error names the client.
   */
  drop(attempts?: number): Promise<void>;
}

/** The database that createDatabase copies by default. */
export const defaultTemplate = 'uncached_template';

const objectInUse = '55006';
const longestName = 63;

/** Makes a database on `server`; rejects with PostgreSQL's error when it cannot. */
export async function createDatabase(server: Connection, options: DatabaseOptions = {}): Promise<Database> {
  const name = options.name ?? `uncached_${process.pid}_${randomBytes(5).toString('hex')}`;
  if (Buffer.byteLength(name) > longestName) {
    // PostgreSQL would truncate it, and the test would look for a database that does not exist.
    throw new Error(`Cannot create database ${name}: its name is over ${longestName} bytes`);
  }
  await withClient(server, async (client) => {
    const template = options.template ?? (options.encoding ? 'template0' : await findTemplate(client));
    const strategy = (await serverVersion(client)) >= 150_000 ? ' STRATEGY file_copy' : '';
    const encoding = options.encoding ? ` ENCODING ${escapeLiteral(options.encoding)} LOCALE 'C'` : '';
    await client.query(
      `CREATE DATABASE ${escapeIdentifier(name)} TEMPLATE ${escapeIdentifier(template)}${strategy}${encoding}`,
    );
  });
  return {
    name,
    config: { ...connectionOf(server), database: name },
    drop: (attempts = 12) => withClient(server, (client) => dropDatabase(client, name, attempts)),
  };
}

/**
 * Since 15 the pages are written to the WAL by default, which takes twice the CPU time. 14 has only the
 * strategy that we use.
 */
async function serverVersion(client: Client): Promise<number> {
  const { rows } = await client.query<{ version: number }>(
    "SELECT current_setting('server_version_num')::int AS version",
  );
  return rows[0]?.version ?? 0;
}

async function findTemplate(client: Client): Promise<string> {
  const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1', [defaultTemplate]);
  return rowCount ? defaultTemplate : 'template0';
}

/**
 * A backend ends a moment after its client; if that was killed, when its statement has ended. DROP DATABASE
 * waits 5 s for backends that are ending, which is not always enough on a busy machine.
 */
async function dropDatabase(client: Client, name: string, attempts: number): Promise<void> {
  const drop = `DROP DATABASE IF EXISTS ${escapeIdentifier(name)}`;
  try {
    await client.query(drop);
  } catch (error) {
    if (!(error instanceof DatabaseError && error.code === objectInUse)) throw error;
    if (attempts > 1) return dropDatabase(client, name, attempts - 1);
    const sessions = await listSessions(client, name);
    await client.query(`${drop} WITH (FORCE)`);
    throw new Error(
      `Cannot drop database ${name} in peace: connections were left open. End these clients:\n${sessions}`,
      { cause: error },
    );
  }
}

async function listSessions(client: Client, name: string): Promise<string> {
  const { rows } = await client.query<Record<string, string>>(
    'SELECT pid, application_name, state, query FROM pg_stat_activity WHERE datname = $1',
    [name],
  );
  return rows
    .map(
      (row) =>
        `  pid ${row.pid} ${row.application_name || '(no application_name)'} ${row.state}: ${row.query}`,
    )
    .join('\n');
}
