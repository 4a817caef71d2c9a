import { lstatSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/**
 * Whether something is mounted below root, except for the fronts, which are asked for their mount anyway. If
 * nothing is, no other directory need be asked.
 */
export function hasMountsBelow(root: string, fronts: readonly string[]): boolean {
  const prefix = inMountinfo(`${realpathSync.native(root).replace(/\/$/, '')}/`);
  const known = new Set(fronts.map((front) => prefix + inMountinfo(front)));
  const table = readFileSync('/proc/self/mountinfo', 'utf8');
  // Most often there is no such mount, and the table can be long.
  if (!table.includes(` ${prefix}`)) return false;
  return mountPoints(table).some((point) => point.startsWith(prefix) && !known.has(point));
}

/** Where the file system of a directory is mounted. */
export function mountPointOf(directory: string): string {
  const path = realpathSync.native(directory);
  try {
    return mountPointIn(readFileSync('/proc/self/mountinfo', 'utf8'), path);
  } catch {
    // Not Linux: the highest directory on the same device.
    const line = lineage(path);
    const { dev } = lstatSync(path);
    const end = line.findIndex((one) => lstatSync(one).dev !== dev);
    return line.at(end === -1 ? -1 : end - 1) ?? path;
  }
}

/**
 * The same, by the table of mounts. A directory that is mounted onto itself does not count: a sandbox
 * (systemd's ReadWritePaths) makes such mounts, also of the empty directory of a file system that is not
 * mounted.
 */
export function mountPointIn(table: string, path: string): string {
  const mounts = Array.from(table.matchAll(/^(\S+) (\S+) (\S+) (\S+) (\S+)/gm), ([, ...fields]) => fields);
  const byId = new Map(mounts.map((fields) => [fields[0], fields]));
  const points = new Set<string>();
  for (const [, parent, device, shown, point = ''] of mounts) {
    const [, , parentDevice, parentShown = '', parentPoint = ''] = byId.get(parent) ?? [];
    const itself = join(parentShown, relative(parentPoint || '/', point));
    if (device !== parentDevice || shown !== itself) points.add(point);
  }
  return lineage(path).find((one) => points.has(inMountinfo(one))) ?? '/';
}

/** A path and its parents, up to `/`. */
function lineage(path: string): string[] {
  const parent = dirname(path);
  return parent === path ? [path] : [path, ...lineage(parent)];
}

/** The fifth field of each line. */
function mountPoints(table: string): string[] {
  return Array.from(table.matchAll(/^(?:\S+ ){4}(\S+)/gm), ([, point]) => point ?? '');
}

/** proc_pid_mountinfo(5): space, tab, newline and backslash are written in octal. */
function inMountinfo(path: string): string {
  return path.replace(
    /[ \t\n\\]/g,
    (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`,
  );
}
