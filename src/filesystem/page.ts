import { lstatSync, realpathSync } from 'node:fs';
import { join } from 'node:path';

/** What can be seen of a path below root. */
export interface Seen {
  readonly kind: 'file' | 'directory' | 'symbolic link' | 'nothing';
  readonly bytes: number;
  /** When its content was last written. */
  readonly writtenMs: number;
  /** When it was put in place under its name, or its rights were changed: no sooner than the former. */
  readonly changedMs: number;
  /** A directory on the way that is a symbolic link, which no clearing follows. */
  readonly link: string | undefined;
}

export function seePage(root: string, path: string): Seen {
  const components = path.split('/');
  const directories = components.slice(0, -1).map((_one, at) => components.slice(0, at + 1).join('/'));
  const link = directories.find((one) => look(join(root, one))?.isSymbolicLink());
  const stats = look(join(root, path));
  if (!stats) return { kind: 'nothing', bytes: 0, writtenMs: 0, changedMs: 0, link };
  return {
    kind: stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symbolic link' : 'file',
    bytes: stats.size,
    writtenMs: stats.mtimeMs,
    changedMs: stats.ctimeMs,
    link,
  };
}

/** Nothing is there either if a file stands where a directory would have to be. */
function look(path: string) {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The path below root of what was given: absolute, also by root's real path, or below root already. Undefined if it is outside. */
export function belowRoot(root: string, given: string): string | undefined {
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
