import type { Client } from 'pg';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { versions } from '../postgres/versions.ts';
import { connect } from './connect.ts';
import { notificationsOf } from './notifications.ts';
import { install } from './sql-file.ts';

const newest = { title: 'PostgreSQL of this run', binaries: undefined, missing: false };
const oldest = versions()
  .slice(0, 1)
  .map(({ title, binaries }) => ({ title, binaries, missing: binaries === undefined }));

/** A server of its own with an installation, without the tables `q` and `source` before each test. */
export interface NotifyWorld {
  readonly missing: boolean;
  readonly server: LaunchedServer;
  readonly client: Client;
  /** Creates the queue table `q`; with `unique`, it folds by these columns. */
  made(columns: string, unique?: string): Promise<unknown>;
  /** The payloads of the notifications on `channel` that the statements cause. */
  heard(statements: string, channel?: string): Promise<(string | undefined)[]>;
}

/** Runs the tests on the oldest version and on that of this run. */
export function describeNotifying(title: string, tests: (world: NotifyWorld) => void): void {
  describe.each([...oldest, newest])(`${title}, on $title`, ({ binaries, missing }) => {
    let server: LaunchedServer;
    let client: Client;
    beforeAll(async () => {
      if (missing) return;
      server = await launchServer(binaries === undefined ? {} : { binaries });
      client = await connect(server);
      await install(client);
    }, 120_000);
    beforeEach(async () => {
      if (missing) return;
      await client.query('ROLLBACK; RESET ALL; DROP TABLE IF EXISTS q, source');
    });
    afterAll(async () => {
      if (missing) return;
      await client.end();
      await server.stop();
    });
    tests({
      missing,
      get server() {
        return server;
      },
      get client() {
        return client;
      },
      made: (columns, unique) =>
        client.query(`CREATE TABLE q (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ${columns},
          xid xid8 NOT NULL DEFAULT pg_current_xact_id()${unique ? `, UNIQUE (xid, ${unique})` : ''})`),
      heard: async (statements, channel = 'changed') =>
        (await notificationsOf(client, channel, () => client.query(statements))).map(
          ({ payload }) => payload,
        ),
    });
  });
}
