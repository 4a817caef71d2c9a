import { errorCode } from '../core/errors.ts';
import type { Directory, Name } from './directory.ts';
import { pageOfTemp } from './match.ts';

/** How an entry that matches is dealt with; returns how many files went. `directoryOnly` spares anything else of that name. */
export type Removal = (directory: Directory, name: Name, directoryOnly: boolean) => number;

export const removeEntry: Removal = (directory, name, directoryOnly) =>
  directoryOnly ? removeDirectory(directory, name) : remove(directory, name);

/** Removes a file, a symbolic link itself, or a directory with its contents. Returns how many files went; gone already is 0. */
function remove(directory: Directory, name: Name): number {
  try {
    directory.unlink(name);
    return 1;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    // unlink of a directory: EISDIR on Linux, EPERM by POSIX, which is also what an immutable file answers.
    if (errorCode(error) !== 'EISDIR' && errorCode(error) !== 'EPERM') throw error;
    if (directory.kind(name) !== 'directory') throw error;
    return removeTree(directory, name);
  }
}

/** Removes a directory with its contents, or a symbolic link itself; a file of that name stays. */
function removeDirectory(directory: Directory, name: Name): number {
  const kind = directory.kind(name);
  if (kind === 'symlink') return remove(directory, name);
  return kind === 'directory' ? removeTree(directory, name) : 0;
}

/** Writers may go on making pages in a directory while it is emptied; after this many rounds it is left for a later try. */
const maxRounds = 10;

function removeTree(parent: Directory, name: Name): number {
  let files = 0;
  for (let round = 1; ; round++) {
    files += removeContents(parent, name);
    try {
      parent.rmdir(name);
      return files;
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return files;
      if (errorCode(error) !== 'ENOTEMPTY' || round === maxRounds) throw error;
    }
  }
}

/** Temps first and a second listing, as everywhere (clear.ts). What cannot be removed keeps nothing beside it. */
function removeContents(parent: Directory, name: Name): number {
  const directory = parent.open(name);
  if (!directory) return 0;
  let files = 0;
  let failure: unknown;
  const removeEach = (names: Name[]) => {
    for (const entry of names) {
      try {
        files += remove(directory, entry);
      } catch (error) {
        failure ??= error;
      }
    }
  };
  try {
    removeEach(
      directory.names().filter((entry) => typeof entry === 'string' && pageOfTemp(entry) !== undefined),
    );
    removeEach(directory.names());
  } finally {
    directory.close();
  }
  if (failure !== undefined) throw failure;
  return files;
}
