import { mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import type { Connection } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { type LaunchedServer, launchServer } from '../postgres/server.ts';
import { mutatedMain } from './mutate.ts';
import { type Extra, makeNode, type Node } from './node.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import { installSchema } from './schema.ts';

/** Everything that a run uses, all temporary: a PostgreSQL, the nodes, and a folder for their output. */
export interface World {
  readonly server: LaunchedServer;
  readonly connection: Connection;
  readonly nodes: readonly Node[];
  /** Holds the daemons' logs and the load's trace. Kept if there is a violation to explain. */
  readonly folder: string;
  readonly trace: string;
  /**
   * Called when all is correct so far: truncates the logs and the trace, so that the disk does not fill up.
   */
  forget(client: Client): Promise<void>;
  close(keep: boolean): Promise<void>;
}

const settings = {
  // The commit time of a change explains a stale page.
  track_commit_timestamp: 'on',
  max_prepared_transactions: '20',
  max_connections: '150',
  // Shorter than the producers' lock_timeout (load.ts), so that deadlocks occur, for the daemon too.
  deadlock_timeout: '100ms',
};

/** With what a node has besides, and the daemon's main.js. */
export async function buildWorld(
  options: Options,
  report: Report,
  {
    extra = () => ({ more: '', handlers: '', foreign: [] }),
    main = mutatedMain(options.mutation),
  }: { extra?: (number: number) => Extra; main?: string } = {},
): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'uncached-stress-'));
  const server = await launchServer({ settings });
  const { config: connection } = await createDatabase(server, { template: 'template0' });
  const client = new Client(connection);
  await client.connect();
  await installSchema(client);
  await client.end();

  const trace = join(folder, 'trace.log');
  const nodes = Array.from({ length: options.nodes }, (_, n) =>
    makeNode({ number: n + 1, connection, main, folder, options, report, extra }),
  );
  return {
    server,
    connection,
    nodes,
    folder,
    trace,
    async forget(database) {
      await database.query('TRUNCATE trace');
      // Processes that write to it append, and continue at the new end.
      truncateSync(trace);
      for (const node of nodes) node.forget();
    },
    async close(keep) {
      await server.stop();
      for (const node of nodes) node.remove();
      if (!keep) rmSync(folder, { recursive: true, force: true });
    },
  };
}
