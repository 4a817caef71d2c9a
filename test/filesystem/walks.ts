import { chdirWalk } from '../../src/filesystem/walk/chdir-walk.ts';
import { handleWalk } from '../../src/filesystem/walk/handle-walk.ts';

/**
 * Both walks, for describe.each: what one keeps, the other keeps too. The chdir walk runs here because vitest
 * runs one file at a time in a process, and only there: process.chdir does not exist in threads.
 */
export const walks = [
  ['handle', handleWalk],
  ['chdir', chdirWalk],
] as const;
