import { chdirWalk } from '../../src/filesystem/walk/chdir-walk.ts';
import { handleWalk } from '../../src/filesystem/walk/handle-walk.ts';

/**
 * Both walks, for describe.each: both give the same guarantees. The chdir walk can run here because vitest
 * runs one file at a time in a process. It cannot run in a thread, where process.chdir does not exist.
 */
export const walks = [
  ['handle', handleWalk],
  ['chdir', chdirWalk],
] as const;
