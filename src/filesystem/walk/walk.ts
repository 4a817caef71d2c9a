import { closeSync, constants, fstatSync, lstatSync, openSync } from 'node:fs';
import { chdirWalk } from './chdir-walk.ts';
import type { Walk } from './directory.ts';
import { handleWalk } from './handle-walk.ts';

let chosen: Walk | undefined;

/** The walk for this system, chosen once. */
export function systemWalk(): Walk {
  chosen ??= handlesLeadBelow() ? handleWalk : chdirWalk;
  return chosen;
}

/**
 * Whether /proc/self/fd/N/name is resolved below the handle N. Linux alone: a FreeBSD with linprocfs and
 * fdescfs can have these names, but resolves them by the path that the directory once had, which is what the
 * handle must prevent.
 */
function handlesLeadBelow(): boolean {
  if (process.platform !== 'linux') return false;
  const fd = openSync('/', constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const opened = fstatSync(fd, { bigint: true });
    const below = lstatSync(`/proc/self/fd/${fd}/.`, { bigint: true });
    return below.dev === opened.dev && below.ino === opened.ino;
  } catch {
    return false;
  } finally {
    closeSync(fd);
  }
}
