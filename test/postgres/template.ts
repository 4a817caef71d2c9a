import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { escapeIdentifier } from 'pg';
import { type Connection, withClient } from './connection.ts';
import { createDatabase, defaultTemplate } from './database.ts';
import { projectRoot } from './project-root.ts';

/**
 * Makes `uncached_template`, which createDatabase copies by default, anew: a database in which every file of sql/ but
 * uninstall.sql was run, in the order of their names. What every test database should hold beyond that belongs here.
 */
export async function makeTemplate(server: Connection, folder = join(projectRoot, 'sql')): Promise<void> {
  await removeTemplate(server);
  const { config } = await createDatabase(server, { name: defaultTemplate, template: 'template0' });
  await withClient(config, async (client) => {
    for (const file of await sqlFiles(folder)) {
      await client.query(await readFile(join(folder, file), 'utf8')).catch((cause: unknown) => {
        throw new Error(`Cannot run sql/${file}: ${String(cause)}`, { cause });
      });
    }
  });
  // A database that someone is connected to cannot be copied.
  await withClient(server, (client) =>
    client.query(`ALTER DATABASE ${escapeIdentifier(defaultTemplate)} ALLOW_CONNECTIONS false`),
  );
}

export async function removeTemplate(server: Connection): Promise<void> {
  await withClient(server, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(defaultTemplate)} WITH (FORCE)`),
  );
}

async function sqlFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  return names.filter((name) => name.endsWith('.sql') && name !== 'uninstall.sql').sort();
}
