import { readFileSync, realpathSync } from 'node:fs';

/**
 * Whether something is mounted below root. Where nothing is, no directory need be asked for its mount. A part of some mount that has
 * root's path elsewhere is taken for one, which costs time alone.
 */
export function hasMountsBelow(root: string): boolean {
  const prefix = `${realpathSync.native(root).replace(/\/$/, '')}/`;
  return readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${inMountinfo(prefix)}`);
}

/** proc_pid_mountinfo(5): space, tab, newline and backslash are written in octal. */
function inMountinfo(path: string): string {
  return path.replace(
    /[ \t\n\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}
