import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { lastWill } from '../test/last-will.ts';
import { createDatabase, type Database } from '../test/postgres/database.ts';
import { type LaunchedServer, launchServer } from '../test/postgres/launch.ts';
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
  close(): Promise<void>;
}

/**
 * A PostgreSQL with default settings, in the system's temporary directory. By default a commit waits for that
 * disk.
 */
export async function buildWorld(): Promise<World> {
  const memory = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'uncached-bench-'));
  lastWill('rm -rf "$1"', memory);
  const disk = await journaledDisk();
  const server = await launchServer({
    settings: { fsync: 'on', full_page_writes: 'on', shared_buffers: '128MB', max_wal_size: '4GB' },
  });
  await makeTemplate(server);
  const database = await createDatabase(server);
  const client = new Client({ ...database.config, application_name: 'bench' });
  await client.connect();
  return {
    server,
    database,
    client,
    memory,
    disk,
    async close() {
      await client.end();
      await database.drop().catch(() => {});
      await server.stop();
      await disk?.remove();
      rmSync(memory, { recursive: true, force: true });
    },
  };
}

export async function emptyTables({ client }: World): Promise<void> {
  await client.query(`
    TRUNCATE uncached.journal, cache_clearing_ports, cache_clearing_dates, cache_clearing_commits, cache_clearing_files
      RESTART IDENTITY`);
}

/** Called before the clock starts, so that the follow-up work of loading is not measured. */
export async function tidy({ client }: World): Promise<void> {
  await client.query('VACUUM ANALYZE');
  await client.query('CHECKPOINT');
}
