import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { lastWill } from '../test/last-will.ts';
import { createDatabase, type Database } from '../test/postgres/database.ts';
import { type LaunchedServer, launchServer } from '../test/postgres/launch.ts';
import { projectRoot } from '../test/postgres/project-root.ts';
import { makeTemplate } from '../test/postgres/template.ts';
import { type Disk, journaledDisk } from './disk.ts';

/** What every measurement uses. */
export interface World {
  readonly server: LaunchedServer;
  readonly database: Database;
  readonly client: Client;
  /** A directory in memory, where possible. */
  readonly memory: string;
  /** A directory on a journaled file system. Undefined where none could be made. */
  readonly disk: Disk | undefined;
  /** The main.js of a build. Each of two that are compared has a database of its own. */
  readonly program: string;
  close(): Promise<void>;
}

/** The world of this build, and of the build it is compared with. */
export interface Worlds {
  readonly world: World;
  readonly before: World | undefined;
}

/**
 * A PostgreSQL with default settings, in the system's temporary directory. By default a commit waits for that
 * disk.
 */
export async function buildWorlds(against: string | undefined): Promise<Worlds> {
  const memory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'uncached-bench-'));
  lastWill('rm -rf "$1"', memory);
  const disk = await journaledDisk();
  const server = await launchServer({
    settings: { fsync: 'on', full_page_writes: 'on', shared_buffers: '128MB', max_wal_size: '4GB' },
  });
  await makeTemplate(server);
  const ground = { server, memory, disk };
  // What is installed.
  const world = await worldOf(join(projectRoot, 'dist/program/main.js'), ground);
  const close = async () => {
    await world.close();
    await server.stop();
    await disk?.remove();
    rmSync(memory, { recursive: true, force: true });
  };
  return {
    world: { ...world, close },
    before: against === undefined ? undefined : await worldOf(against, ground),
  };
}

/** Both builds have what they install themselves, on the same server and the same disks. */
async function worldOf(program: string, ground: Pick<World, 'server' | 'memory' | 'disk'>): Promise<World> {
  const database = await createDatabase(ground.server, { template: 'template0' });
  const client = new Client({ ...database.config, application_name: 'bench' });
  await client.connect();
  await client.query(schemaOf(program));
  return {
    ...ground,
    database,
    client,
    program,
    async close() {
      await client.end();
      await database.drop().catch(() => {});
    },
  };
}

function schemaOf(program: string): string {
  const print = (...options: string[]) =>
    execFileSync(process.execPath, [program, 'schema', ...options], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  try {
    return print('--freshports');
  } catch {
    // An early build: its schema was that of FreshPorts.
    return print();
  }
}

/** As if no daemon had been there before: a new root is not wiped then. Of the lock, the row is needed. */
export async function emptyTables({ client }: World): Promise<void> {
  await client.query(`
    DO $$ BEGIN
      EXECUTE (
        SELECT 'TRUNCATE ' || string_agg(oid::regclass::text, ', ') || ' RESTART IDENTITY' FROM pg_class
        WHERE relkind = 'r' AND (
          relnamespace = 'uncached'::regnamespace AND relname <> 'log_lock'
          OR relnamespace = 'public'::regnamespace AND relname LIKE 'cache\\_clearing\\_%'));
    END $$`);
}

/** Called before the clock starts, so that the follow-up work of loading is not measured. */
export async function tidy({ client }: World): Promise<void> {
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
}

/** Has another setting of the server while the work is done. */
export async function withSetting<Result>(
  { client }: World,
  setting: Readonly<Record<string, string>>,
  work: () => Promise<Result>,
): Promise<Result> {
  const each = async (sql: (name: string, value: string) => string) => {
    for (const [name, value] of Object.entries(setting)) await client.query(sql(name, value));
    await client.query('SELECT pg_reload_conf()');
  };
  await each((name, value) => `ALTER SYSTEM SET ${name} = ${value}`);
  try {
    return await work();
  } finally {
    await each((name) => `ALTER SYSTEM RESET ${name}`);
  }
}
