import type { Directory, Name, Walk } from './directory.ts';

/**
 * Called before each system call with the path, below root, of the directory whose entries it reads or
 * changes. Reading all of them (a listing) may take long.
 */
type Before = (path: string, isListing: boolean) => void;

/** Wraps the walk: `before` learns each step, and can prevent it by throwing. */
export function tracedWalk(walk: Walk, before: Before): Walk {
  return {
    openRoot(...given) {
      before('', false);
      return traced(walk.openRoot(...given), before);
    },
  };
}

/**
 * The same directory object, with methods of its own that come before those of its class: a Proxy would cost
 * a twentieth of each clearing.
 */
function traced(directory: Directory, before: Before): Directory {
  const { open, openFile, names, kind, isOfRoot, isLarge, unlink, rmdir } = directory;
  const { path } = directory;
  // To open a directory or to stat it is to ask the file system whose root it is.
  const toEntry = (name: Name) => before(directory.below(name), false);
  return Object.assign(directory, {
    open(name: Name) {
      toEntry(name);
      const opened = open.call(directory, name);
      return opened && traced(opened, before);
    },
    openFile(name: Name, flags: number) {
      before(path, false);
      return openFile.call(directory, name, flags);
    },
    names() {
      before(path, true);
      return names.call(directory);
    },
    kind(name: Name) {
      toEntry(name);
      return kind.call(directory, name);
    },
    isOfRoot(name: Name) {
      toEntry(name);
      return isOfRoot.call(directory, name);
    },
    isLarge() {
      before(path, false);
      return isLarge.call(directory);
    },
    unlink(name: Name) {
      before(path, false);
      unlink.call(directory, name);
    },
    rmdir(name: Name) {
      before(path, false);
      rmdir.call(directory, name);
    },
  });
}
