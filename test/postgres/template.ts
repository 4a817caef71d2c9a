import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { escapeIdentifier } from 'pg';
import { installSql } from '../../src/postgres/sql-files.ts';
import { type Connection, withClient } from './connection.ts';
import { createDatabase, defaultTemplate } from './database.ts';
import { projectRoot } from './project-root.ts';

/** When compiled, this file and src/ are not next to sql/. */
const shipped = () => installSql({ freshports: true, folder: pathToFileURL(join(projectRoot, 'sql/')) });

/**
 * Recreates `uncached_template`, which createDatabase copies by default: a database with what `uncached
 * schema --freshports` installs. Anything else that every test database should contain belongs here.
 */
export async function makeTemplate(server: Connection, script = shipped()): Promise<void> {
  await removeTemplate(server);
  const { config } = await createDatabase(server, { name: defaultTemplate, template: 'template0' });
  await withClient(config, (client) => client.query(script));
  // A database with open connections cannot be copied.
  await withClient(server, (client) =>
    client.query(`ALTER DATABASE ${escapeIdentifier(defaultTemplate)} ALLOW_CONNECTIONS false`),
  );
}

export async function removeTemplate(server: Connection): Promise<void> {
  await withClient(server, (client) =>
    client.query(`DROP DATABASE IF EXISTS ${escapeIdentifier(defaultTemplate)} WITH (FORCE)`),
  );
}
