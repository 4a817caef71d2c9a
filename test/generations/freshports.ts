import { Client } from 'pg';
import { logSql } from '../../src/postgres/sql-files.ts';
import { type Connection, connectionOf, withClient } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { catalog } from '../sql/catalog.ts';

/** A database `freshports.org` on a server of its own, because its roles have fixed names. */
export interface FreshPorts {
  /** The catalog before uncached was installed. */
  readonly before: readonly string[];
  /** As the daemon's role. */
  readonly listening: Connection;
  /** As the owner of the site's tables. */
  readonly owner: Client;
  as(role: string): Connection;
  /** The number of entries, and of rows that are not settled and do not fail. */
  waiting(): Promise<number>;
  /** Those rows, and those that are kept because they fail. */
  unsettled(): Promise<{ key: unknown; last_error: string | null; attempts: number }[]>;
  drop(): Promise<void>;
}

/** Everything except uncached's own objects. */
export const siteCatalog = async (client: Client) =>
  (await catalog(client)).filter((line) => !line.includes('uncached'));

export async function makeFreshPorts(
  server: Connection,
  { encoding, tables }: { encoding: string; tables: string },
): Promise<FreshPorts> {
  const database = await createDatabase(server, { name: 'freshports.org', encoding });
  await withClient(server, (client) => client.query('ALTER DATABASE "freshports.org" OWNER TO dan'));
  const as = (role: string): Connection => ({ ...connectionOf(database.config), user: role });
  const owner = new Client(as('dan'));
  await owner.connect();
  // The tests also write raw bytes, which only a client of the same encoding can read back.
  await owner.query(`SELECT set_config('client_encoding', 'SQL_ASCII', false)`);
  await owner.query(tables);
  const before = await siteCatalog(owner);
  await owner.query(logSql());
  await owner.query('GRANT uncached TO listening');
  return {
    before,
    listening: as('listening'),
    owner,
    as,
    async waiting() {
      const { rows } = await owner.query<{ table: string }>(
        `SELECT relname AS table FROM pg_class WHERE relname LIKE 'cache\\_clearing\\_%' AND relkind = 'r'`,
      );
      const counts = rows.map(({ table }) => `(SELECT count(*)::int FROM ${table})`);
      // In one statement, because between two of them entries can become rows of the log.
      const claimed = `(SELECT count(*)::int FROM ${unsettled} WHERE last_error IS NULL)`;
      const all = [...counts, claimed].join(' + ');
      return (await owner.query<{ n: number }>(`SELECT ${all} AS n`)).rows[0]?.n ?? 0;
    },
    unsettled: async () =>
      (await owner.query(`SELECT key, last_error, attempts FROM ${unsettled} ORDER BY id`)).rows,
    async drop() {
      await owner.end();
      await database.drop();
    },
  };
}
