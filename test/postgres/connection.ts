import { Client } from 'pg';

/**
 * How to connect as a superuser: a node-postgres configuration of plain fields, which can be handed between
 * processes.
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

/** Only the connection's own fields, of a server or whatever else has them. */
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

/** Connects, hands the client to `use`, and disconnects whatever became of it. */
export async function withClient<T>(connection: Connection, use: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...connectionOf(connection), connectionTimeoutMillis: 10_000 });
  // A lost connection fails the query that runs; unheard, it would end the test run as well.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}
