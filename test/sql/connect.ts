import { Client } from 'pg';
import { type Connection, connectionOf } from '../postgres/connection.ts';

/** For a client that several tests share. For a single test use withClient. */
export async function connect(connection: Connection): Promise<Client> {
  const client = new Client(connectionOf(connection));
  await client.connect();
  return client;
}
