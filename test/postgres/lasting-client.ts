import { Client } from 'pg';
import { type Connection, connectionOf } from './connection.ts';

/**
 * A connection for many statements. It is made for the first one, and again after it was lost. Connecting
 * costs more than most statements.
 */
export class LastingClient {
  readonly #connection: Connection;
  #client: Promise<Client> | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  async query<Row extends object>(sql: string, values?: unknown[]): Promise<Row[]> {
    this.#client ??= this.#connect();
    const client = await this.#client;
    return (await client.query<Row>(sql, values)).rows;
  }

  async end(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.end();
  }

  async #connect(): Promise<Client> {
    const client = new Client({ ...connectionOf(this.#connection), connectionTimeoutMillis: 100_000 });
    const forget = () => {
      this.#client = undefined;
    };
    client.on('error', forget);
    client.on('end', forget);
    try {
      await client.connect();
      return client;
    } catch (error) {
      forget();
      throw error;
    }
  }
}
