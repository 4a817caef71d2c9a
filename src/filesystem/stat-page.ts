import { lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** What can be seen of a path below root. */
export interface PageStat {
  readonly kind: 'file' | 'directory' | 'symbolic link' | 'nothing';
  readonly bytes: number;
  /** When its content was last written. */
  readonly writtenMs: number;
  /** When it was put in place under its name, or its permissions were changed: never before the former. */
  readonly changedMs: number;
  /** A directory on the way that is a symbolic link, which no clearing follows. */
  readonly link: string | undefined;
}

/**
 * The given path as a path below root. It may be absolute, also by root's real path, or below root already.
 * Undefined if it is outside.
 */
export function findPage(root: string, given: string): { path: string; seen: PageStat } | undefined {
  const path = belowRoot(root, given);
  return path === undefined ? undefined : { path, seen: statPage(root, path) };
}

function statPage(root: string, path: string): PageStat {
  const components = path.split('/');
  const directories = components.slice(0, -1).map((_one, at) => components.slice(0, at + 1).join('/'));
  const link = directories.find((one) => statPath(join(root, one))?.isSymbolicLink());
  const stats = statPath(join(root, path));
  if (!stats) return { kind: 'nothing', bytes: 0, writtenMs: 0, changedMs: 0, link };
  return {
    kind: stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symbolic link' : 'file',
    bytes: stats.size,
    writtenMs: stats.mtimeMs,
    changedMs: stats.ctimeMs,
    link,
  };
}

/** If a file is in the place of a directory on the way, nothing is there either. */
function statPath(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

function belowRoot(root: string, given: string): string | undefined {
  const path = [root, realRoot(root)].find((one) => given.startsWith(`${one}/`));
  if (path === undefined && given.startsWith('/')) return undefined;
  const components = (path === undefined ? given : given.slice(path.length))
    .split('/')
    .filter((one) => one !== '' && one !== '.');
  return components.length === 0 || components.includes('..') ? undefined : components.join('/');
}

function realRoot(root: string): string {
  try {
    return realpathSync(root);
  } catch {
    return root;
  }
}
