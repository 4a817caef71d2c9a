import { mkdirSync, mkdtempSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Client } from 'pg';
import type { Connection } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { projectRoot } from '../postgres/project-root.ts';
import { type LaunchedServer, launchServer } from '../postgres/server.ts';
import type { Random } from '../random.ts';
import { iniFor, makeSite } from '../site.ts';
import { placeCanaries } from './canary.ts';
import { type Daemon, startDaemon } from './daemon.ts';
import { handlersIni } from './families.ts';
import { mutatedMain } from './mutate.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import { daemonRole, installSchema } from './schema.ts';

/**
 * Everything that a run uses, all temporary: a PostgreSQL, a site, a daemon, and a folder for their output.
 */
export interface World {
  readonly server: LaunchedServer;
  readonly connection: Connection;
  readonly root: string;
  readonly canaries: ReturnType<typeof placeCanaries>;
  /** Holds the daemon's log and the load's trace. Kept if there is a violation to explain. */
  readonly folder: string;
  readonly log: string;
  readonly trace: string;
  readonly configuration: string;
  /** Starts a daemon with a random batch size. The caller ends it. */
  startDaemon(chance: Random): Daemon;
  /**
   * Called when all is correct so far: truncates the log and the trace, so that the disk does not fill up.
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

export async function buildWorld(options: Options, report: Report): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'uncached-stress-'));
  const server = await launchServer({ settings });
  const { config: connection } = await createDatabase(server, { template: 'template0' });
  const client = new Client(connection);
  await client.connect();
  await installSchema(client);
  await client.end();

  const site = makeSite(options.disk ? tmpdir() : undefined);
  mkdirSync(join(site.root, 'spooling'));
  const canaries = placeCanaries(site.root);
  const log = join(folder, 'daemon.log');
  const trace = join(folder, 'trace.log');
  const main = options.mutation ? mutatedMain(options.mutation) : resolve(projectRoot, 'dist/main.js');

  const configure = (batch: number) => {
    const more = `[daemon]\nsweep = 1s\nheartbeat = 1s\nbatch = ${batch}\n`;
    const as = { ...connection, user: daemonRole };
    return site.configure(iniFor(site, as, { settle: options.settle, more, handlers: handlersIni }));
  };

  return {
    server,
    connection,
    root: site.root,
    canaries,
    folder,
    log,
    trace,
    configuration: configure(1000),
    startDaemon: (chance) =>
      startDaemon({ main, log, configuration: configure(chance.pick([1, 3, 20, 1000])), report }),
    async forget(database) {
      await database.query('TRUNCATE trace');
      // Processes that write to them append, and continue at the new end.
      for (const file of [log, trace]) truncateSync(file);
    },
    async close(keep) {
      await server.stop();
      site.remove();
      if (!keep) rmSync(folder, { recursive: true, force: true });
    },
  };
}
