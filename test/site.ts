import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { lastWill } from './last-will.ts';
import type { Connection } from './postgres/connection.ts';

/** A site's cache on disk and a configuration next to it, both temporary. */
export interface Site {
  readonly root: string;
  /** Writes pages below root. Returns how many. */
  write(paths: Iterable<string>, body?: string): number;
  /** Every file below root, in order, without the daemon's markers. */
  pages(): string[];
  /** Writes an INI file. Returns its path. */
  configure(ini: string): string;
  remove(): void;
}

/** In memory where possible, because the tests make thousands of small files. */
const memory = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function makeSite(parent = memory): Site {
  const folder = mkdtempSync(join(parent, 'uncached-site-'));
  lastWill('rm -rf "$1"', folder);
  const root = join(folder, 'cache');
  mkdirSync(root);
  return {
    root,
    write(paths, body = 'page') {
      let count = 0;
      for (const path of paths) {
        mkdirSync(join(root, dirname(path)), { recursive: true });
        writeFileSync(join(root, path), body);
        count += 1;
      }
      return count;
    },
    pages: () =>
      filesBelow(root)
        .map((path) => path.slice(root.length + 1))
        .filter((path) => !markers.includes(basename(path)))
        .sort(),
    configure(ini) {
      const file = join(folder, 'uncached.ini');
      writeFileSync(file, ini);
      return file;
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** The daemon's marker, and its name while it is written. */
const markers = ['.uncached', '.uncached.new'];

/** Without those of a directory below that the daemon deletes meanwhile. */
function filesBelow(directory: string, whenGone: 'throw' | 'skip' = 'throw'): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
      const path = join(directory, entry.name);
      return entry.isDirectory() ? filesBelow(path, 'skip') : [path];
    });
  } catch (error) {
    if (whenGone === 'skip' && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The handlers of FreshPorts, as in the sample configuration, without the sanity tests. */
export const freshportsHandlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
clear[] = categories/{category}/*
then = news
[handler.listen_date_updated]
queue = cache_clearing_dates
clear[] = daily/{date_to_clear:%Y}/{date_to_clear:%m}/{date_to_clear:%d}.*
then = news
[handler.listen_commit]
queue = cache_clearing_commits
clear[] = commits/{commit_to_clear}/
clear[] = commits/{commit_to_clear:dashes}/
then = news
[handler.listen_file_updated]
queue = cache_clearing_files
clear[] = ports/{pathname:below /ports/head}.*
then = news
[handler.news]
clear[] = news/*
`;

/** A complete configuration for a site and a database. */
export function iniFor(
  site: Pick<Site, 'root'>,
  { host, port, user, database, password }: Connection,
  { settle = '0s', handlers = freshportsHandlers, more = '', tls = '' } = {},
): string {
  return `[database]
host = ${host}
port = ${port}
user = ${user}
dbname = ${database}
${password === undefined ? '' : `password = "${password}"`}
${tls}
[cache]
root = ${site.root}
settle = ${settle}
${more}
${handlers}`;
}
