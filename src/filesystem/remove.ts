import type { Directory, Name } from './directory.ts';
import { removeTree, unlinkFile } from './remove-tree.ts';

/** How an entry that matches is dealt with; returns how many files went. `directoryOnly` spares anything else of that name. */
export type Removal = (directory: Directory, name: Name, directoryOnly: boolean) => number;

export const removeEntry: Removal = (directory, name, directoryOnly) =>
  directoryOnly ? removeDirectory(directory, name) : remove(directory, name);

/** Removes a file, a symbolic link itself, or a directory with its contents; gone already is 0. */
function remove(directory: Directory, name: Name): number {
  return unlinkFile(directory, name) ?? removeTree(directory, name);
}

/** Removes a directory with its contents, or a symbolic link itself; a file of that name stays. */
function removeDirectory(directory: Directory, name: Name): number {
  const kind = directory.kind(name);
  if (kind === 'symlink') return remove(directory, name);
  return kind === 'directory' ? removeTree(directory, name) : 0;
}
