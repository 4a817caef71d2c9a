import { Client } from 'pg';

/**
 * How to connect as a superuser: a node-postgres configuration of plain fields, so that it can be sent to
 * another process.
 */
export interface Connection {
  /** A host name, or the directory of a unix socket. */
  host: string;
  port: number;
  user: string;
  database: string;
  password?: string;
  ssl?: boolean | object;
}

/** Only the connection's fields, taken from a server or any other object that has them. */
export function connectionOf(server: Connection): Connection {
  const { host, port, user, database, password, ssl } = server;
  return {
    host,
    port,
    user,
    database,
    ...(password !== undefined && { password }),
    ...(ssl !== undefined && { ssl }),
  };
}

/** Connects, calls `use` with the client, and always disconnects. */
export async function withClient<T>(connection: Connection, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...connectionOf(connection), connectionTimeoutMillis: 100_000 });
  // A lost connection fails the query that runs. Without this handler it would also end the test run.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
