import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Predecessor, startPredecessor as start } from '../test/freshports/predecessor.ts';
import type { World } from './world.ts';

/** Starts the predecessor, which goes row by row. Resolves when it listens. */
export async function startPredecessor(
  { database }: World,
  { root, folder }: { root: string; folder: string },
): Promise<Predecessor> {
  const file = join(folder, 'fp-listen.ini');
  writeFileSync(file, configuration(database.config, root));
  const predecessor = start(file, { PGPORT: String(database.config.port) });
  await predecessor.until('listening');
  return predecessor;
}

function configuration({ host, user, database }: World['database']['config'], root: string): string {
  return `[database]
HOST = ${host}
DBNAME = ${database}
DBUSER = ${user}
PASSWORD = none
[dirs]
BASEDIR = ${root}
PORT_CACHE_PATH = %(BASEDIR)s/ports/%%s/%%s/*
CATEGORY_CACHE_PATH = %(BASEDIR)s/categories/%%s/*
DATE_CACHE_PATH = %(BASEDIR)s/daily/%%s/%%s/%%s.*
NEWS_CACHE_DIR = %(BASEDIR)s/news
`;
}
