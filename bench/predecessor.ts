import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { projectRoot } from '../test/postgres/project-root.ts';
import type { World } from './world.ts';

export interface RunningPredecessor {
  readonly pid: number;
  stop(): Promise<void>;
}

/** A Python that has psycopg2; undefined, and loudly so, where there is none. */
export const python: string | undefined = ['python3', '/usr/bin/python3'].find(hasPsycopg2);
if (python === undefined)
  console.warn('SKIPPED: the predecessor needs python3 and psycopg2 (Debian: python3-psycopg2)');

function hasPsycopg2(program: string): boolean {
  try {
    execFileSync(program, ['-c', 'import psycopg2'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Resolves when it listens. */
export async function startPredecessor(
  program: string,
  { database, client }: World,
  { root, folder }: { root: string; folder: string },
): Promise<RunningPredecessor> {
  const file = join(folder, 'fp-listen.ini');
  writeFileSync(file, configuration(database.config, root));
  const child = spawn(program, [join(projectRoot, 'bench/predecessor.py'), file], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PGAPPNAME: 'predecessor', PGPORT: String(database.config.port) },
  });
  let stderr = '';
  child.stderr.on('data', (data) => {
    stderr += data;
  });
  const ended = once(child, 'close');
  for (let left = 1_000; !(await listens()); left--) {
    if (left === 0 || child.exitCode !== null) throw new Error(`The predecessor does not start: ${stderr}`);
    await wait(10);
  }
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };

  /** Its last LISTEN, and the commit that may follow. */
  async function listens(): Promise<boolean> {
    const { rowCount } = await client.query(
      `SELECT FROM pg_stat_activity WHERE application_name = 'predecessor' AND state = 'idle' AND query ~* '^(LISTEN|COMMIT)'`,
    );
    if (rowCount) await wait(100);
    return rowCount !== 0;
  }
}

function configuration({ host, user, database }: World['database']['config'], root: string): string {
  return `[database]
HOST = ${host}
DBNAME = ${database}
DBUSER = ${user}
PASSWORD = none
[dirs]
BASEDIR = ${root}/..
PORT_CACHE_PATH        = %(BASEDIR)s/cache/ports/%%s/%%s/*
CATEGORY_CACHE_PATH    = %(BASEDIR)s/cache/categories/%%s/*
DATE_CACHE_PATH        = %(BASEDIR)s/cache/daily/%%s/%%s/%%s.*
COMMIT_CACHE_PATH      = %(BASEDIR)s/cache/commits/%%s/
SANITY_CACHE_PATH      = %(BASEDIR)s/cache/general/sanity_test_failures.%%s.*.html
SANITY_MAIN_CACHE_PATH = %(BASEDIR)s/cache/general/sanity_test_failures.PageSize*.html
FILE_CACHE_PATH        = %(BASEDIR)s/cache/ports%%s.*
NEWS_CACHE_DIR         = %(BASEDIR)s/cache/news/*
`;
}
