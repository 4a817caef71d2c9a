import { errorCode } from '../core/errors.ts';
import { type Directory, type Name, refusal } from './directory.ts';

/** What could not be removed, the first of it; the `cause` says why. */
export class CannotRemove extends Error {
  readonly path: string;
  /** Files that went nevertheless. */
  readonly files: number;

  constructor(path: string, files: number, cause: unknown) {
    super(`Cannot remove ${path}`, { cause });
    this.path = path;
    this.files = files;
  }
}

/** Writers may go on making pages in a directory while it is emptied; after this many rounds it is left for a later try. */
const maxRounds = 10;

/**
 * No path of PATH_MAX (4,096 bytes) names anything deeper, so no page can be there; and the handles, which are the whole daemon's,
 * are not to end at the bottom of a tree that somebody dug with relative names.
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
}

/**
 * Removes a directory with its contents; returns how many files went. What cannot be removed keeps nothing beside it. A loop with
 * levels of its own, and no recursion: the tree may be deeper than the stack.
 */
export function removeTree(top: Directory, topName: Name): number {
  const levels: Level[] = [];
  let files = 0;
  let failure: { path: string; cause: unknown } | undefined;

  function enter(parent: Directory, name: Name, round: number): void {
    if (levels.length === maxDepth)
      throw refusal('ENAMETOOLONG', `is over ${maxDepth} directories deep: remove it by hand`);
    const directory = parent.open(name);
    if (directory)
      levels.push({ parent, name, directory, entries: entriesOf(directory), round, kept: false });
    else parent.rmdir(name);
  }

  function leave({ parent, name, directory, round, kept }: Level): void {
    levels.pop();
    directory.close();
    try {
      if (kept) keepLevel();
      else parent.rmdir(name);
    } catch (error) {
      if (errorCode(error) !== 'ENOTEMPTY' || round === maxRounds) throw error;
      enter(parent, name, round + 1);
    }
  }

  function keepLevel(): void {
    const level = levels.at(-1);
    if (level) level.kept = true;
  }

  function failed(path: string, cause: unknown): void {
    // Gone already, and so is what was below it.
    if (errorCode(cause) === 'ENOENT') return;
    failure ??= { path, cause };
    keepLevel();
  }

  function removeNext(level: Level): void {
    const { directory, entries } = level;
    let { path } = directory;
    try {
      const { done, value: name } = entries.next();
      if (done) {
        leave(level);
        return;
      }
      path = directory.below(name);
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

/**
 * One listing will do, in any order: that rmdir succeeds proves that neither temp nor page was left, and else it is listed again. Only
 * when asked, so that a directory that cannot be read is closed like any other.
 */
function* entriesOf(directory: Directory): Generator<Name, void> {
  yield* directory.names();
}

/** How many files went: 1, or 0 if it was gone already. Undefined for a directory, which unlink does not touch. */
export function unlinkFile(directory: Directory, name: Name): 0 | 1 | undefined {
  try {
    directory.unlink(name);
    return 1;
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return 0;
    // unlink of a directory: EISDIR on Linux, EPERM by POSIX, which is also what an immutable file answers.
    if (errorCode(error) !== 'EISDIR' && errorCode(error) !== 'EPERM') throw error;
    const kind = directory.kind(name);
    // Removed by others in between.
    if (kind === undefined) return 0;
    if (kind !== 'directory') throw error;
    return undefined;
  }
}
