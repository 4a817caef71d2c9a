import { errorCode } from '../core/errors.ts';
import { notTheCache } from '../core/root.ts';
import { type Directory, type Name, refusal } from './walk/directory.ts';

/** The first thing that could not be removed; the `cause` says why. */
export class CannotRemove extends Error {
  readonly path: string;
  /** How many files were deleted nevertheless. */
  readonly files: number;

  constructor(path: string, files: number, cause: unknown) {
    super(`Cannot remove ${path}`, { cause });
    this.path = path;
    this.files = files;
  }
}

/**
 * Writers may go on making pages in a directory while it is emptied. After this many rounds, or when all
 * rounds after the first of each directory have taken this long together, the directory is left for a retry:
 * others wait.
 */
const maxRounds = 10;
const maxAgainMs = 500;

/**
 * No path of PATH_MAX (4,096 bytes) names anything deeper, so no page can be there. And a tree that somebody
 * made with relative names must not use up the daemon's file handles.
 */
const maxDepth = 2_048;

interface Level {
  readonly parent: Directory;
  readonly name: Name;
  readonly directory: Directory;
  readonly entries: Iterator<Name, void>;
  readonly round: number;
  /** Something in it could not be removed. */
  kept: boolean;
  /** It is a mount point or a marker, or contains one: it is emptied, and stays. */
  stays: boolean;
}

/**
 * Removes a directory with its contents; returns how many files were deleted. An entry that cannot be removed
 * does not stop the others. It is a loop that keeps its own levels, without recursion: the tree may be deeper
 * than the stack.
 */
function removeTree(top: Directory, topName: Name): number {
  const levels: Level[] = [];
  let files = 0;
  /** How long rounds after a first one took, without the one that is under way. */
  let againMs = 0;
  /** That one: how many levels are above it, and when it began. */
  let again: { depth: number; since: number } | undefined;
  let failure: { path: string; cause: unknown } | undefined;

  function enter(parent: Directory, name: Name, round: number): void {
    if (levels.length === maxDepth)
      throw refusal('ENAMETOOLONG', `is over ${maxDepth} directories deep: remove it by hand`);
    const directory = parent.open(name);
    if (directory)
      levels.push({
        parent,
        name,
        directory,
        entries: entriesOf(directory),
        round,
        kept: false,
        stays: directory.mounted,
      });
    else parent.rmdir(name);
  }

  function leave({ parent, name, directory, round, kept, stays }: Level): void {
    levels.pop();
    directory.close();
    if (again?.depth === levels.length) {
      againMs += performance.now() - again.since;
      again = undefined;
    }
    try {
      if (kept) keepLevel();
      else if (!stays) parent.rmdir(name);
      else if (round === 1) enter(parent, name, 2);
      else stayLevel();
    } catch (error) {
      if (errorCode(error) !== 'ENOTEMPTY') throw error;
      if (round === maxRounds || isLate()) throw refilled(error);
      const depth = levels.length;
      enter(parent, name, round + 1);
      if (levels.length > depth) again ??= { depth, since: performance.now() };
    }
  }

  function isLate(): boolean {
    return againMs + (again ? performance.now() - again.since : 0) > maxAgainMs;
  }

  function keepLevel(): void {
    const level = levels.at(-1);
    if (level) level.kept = true;
  }

  function stayLevel(): void {
    const level = levels.at(-1);
    if (level) level.stays = true;
  }

  function failed(path: string, cause: unknown): void {
    // Already gone, with everything below it.
    if (errorCode(cause) === 'ENOENT') return;
    if (!failure || errorCode(cause) === notTheCache) failure = { path, cause };
    keepLevel();
  }

  function removeNext(level: Level): void {
    const { directory, entries } = level;
    let { path } = directory;
    try {
      if (level.round > 1 && isLate() && !level.kept) {
        // Stop here: everything that was there at first is gone.
        level.entries.return?.();
        throw refilled();
      }
      const { done, value: name } = entries.next();
      if (done) {
        leave(level);
        return;
      }
      path = directory.below(name);
      if (directory.keeps(name)) {
        stayLevel();
        return;
      }
      const gone = unlinkFile(directory, name);
      if (gone === undefined) enter(directory, name, 1);
      else files += gone;
    } catch (error) {
      failed(path, error);
    }
  }

  try {
    enter(top, topName, 1);
  } catch (error) {
    failed(top.below(topName), error);
  }
  for (let level = levels.at(-1); level; level = levels.at(-1)) removeNext(level);
  if (failure) throw new CannotRemove(failure.path, files, failure.cause);
  return files;
}

function refilled(cause?: unknown): Error {
  return refusal('ENOTEMPTY', 'was refilled while it was being emptied: it is tried again', cause);
}

/**
 * One listing is enough, in any order: a successful rmdir proves that neither temp nor page was left, and
 * otherwise the directory is listed again. A directory that stays is listed twice: a temp that the first
 * listing misses is a page by the second. The list is read lazily, so that a directory that cannot be read is
 * closed like any other.
 */
function* entriesOf(directory: Directory): Generator<Name, void> {
  yield* directory.names();
}

/**
 * How many files were deleted: 1, or 0 if it was already gone. Undefined for a directory, which unlink does
 * not delete.
 */
function unlinkFile(directory: Directory, name: Name): 0 | 1 | undefined {
  try {
    directory.unlink(name);
    return 1;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    // unlink of a directory fails with EISDIR on Linux and with EPERM in POSIX, which is also the error for
    // an immutable file.
    if (errorCode(error) !== 'EISDIR' && errorCode(error) !== 'EPERM') throw error;
    const kind = directory.kind(name);
    // Removed by somebody else in between.
    if (kind === undefined) return 0;
    if (kind !== 'directory') throw error;
    return undefined;
  }
}

/**
 * What to delete under a name: only a directory, only something that is no directory (`file`), or anything.
 */
export type What = 'file' | 'directory' | 'any';

/**
 * Deletes an entry that matches; returns how many files were deleted. Undefined: it is a directory, and a
 * `file` was to be deleted.
 */
export type Removal = (directory: Directory, name: Name, what: What) => number | undefined;

export const removeEntry: Removal = (directory, name, what) => {
  if (what === 'directory') return removeDirectory(directory, name);
  const files = unlinkFile(directory, name);
  return files ?? (what === 'file' ? undefined : removeTree(directory, name));
};

/** Removes a directory with its contents, or a symbolic link itself; a file of that name stays. */
function removeDirectory(directory: Directory, name: Name): number | undefined {
  const kind = directory.kind(name);
  if (kind === 'symlink') return removeEntry(directory, name, 'any');
  return kind === 'directory' ? removeTree(directory, name) : 0;
}
