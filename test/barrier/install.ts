import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Client } from 'pg';
import { barrierSql, installSql } from '../../src/postgres/sql-files.ts';
import { projectRoot } from '../postgres/project-root.ts';
import { tables } from './load.ts';

/** From build/ as well, where src/ has no sql/ next to it. */
const folder = pathToFileURL(join(projectRoot, 'sql/'));

/** The tables of the load, and the barrier for its two handlers. */
export async function installLoad(client: Client): Promise<void> {
  await client.query(installSql({ freshports: true, folder }));
  await client.query(tables);
  const handlers = [
    { handler: 'listen_port', queue: 'public.cache_clearing_ports' },
    { handler: 'skipped', queue: 'public.skipped' },
  ];
  await client.query(barrierSql(handlers, folder));
}
