import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { withClient } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { projectRoot } from '../postgres/project-root.ts';
import { type LaunchedServer, launchServer } from '../postgres/server.ts';
import { uncached } from '../uncached.ts';

/** Each test has a copy of this database. */
export const template = 'freshports_template';

/** A server with FreshPorts only, installed as the site's administrator installs it. */
export async function launchFreshPorts(): Promise<LaunchedServer> {
  const server = await launchServer();
  const database = await createDatabase(server, { name: template, encoding: 'SQL_ASCII' });
  const { stdout: installation } = await uncached(['schema', '--journal-only']);
  await withClient(database.config, async (client) => {
    await client.query(readFileSync(join(projectRoot, 'test/freshports/schema.sql'), 'utf8'));
    await client.query(installation);
    await client.query('GRANT uncached TO listening');
  });
  return server;
}
