import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lastWill } from '../test/last-will.ts';

const run = promisify(execFile);

/** A directory on a journaled file system, and a description of that. */
export interface Disk {
  readonly path: string;
  readonly words: string;
  remove(): Promise<void>;
}

/**
 * A new ext4 in a file on the disk of /var/tmp, mounted through a loop device. A machine's root disk may be
 * mounted with `discard`, which makes an unlink up to 100 times more expensive. Undefined, with a warning,
 * where it cannot be mounted.
 */
export async function journaledDisk(): Promise<Disk | undefined> {
  const folder = mkdtempSync('/var/tmp/uncached-bench-');
  const image = join(folder, 'image');
  const path = join(folder, 'mounted');
  mkdirSync(path);
  // nginx's workers have a directory below it, and are not root.
  chmodSync(folder, 0o755);
  try {
    await run('truncate', ['-s', '4G', image]);
    await run('mkfs.ext4', ['-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image]);
    await run('mount', ['-o', 'loop', image, path]);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    console.warn(`SKIPPED: what is measured on disk needs root, mkfs.ext4 and a loop device: ${error}`);
    return undefined;
  }
  const revoke = lastWill('umount "$1/mounted"; rm -rf "$1"', folder);
  return {
    path,
    words: `ext4 in a file on ${mountOf('/var/tmp')}, mounted by a loop device`,
    async remove() {
      await run('umount', [path]);
      revoke();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The type of the file system that contains a path, and whether it discards: that makes an unlink expensive. */
export function mountOf(path: string): string {
  const mounts = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, at = '']) => at === '/' || path === at || path.startsWith(`${at}/`))
    .sort(([, a = ''], [, b = '']) => b.length - a.length);
  const [, , type = 'unknown', options = ''] = mounts[0] ?? [];
  return options.split(',').includes('discard') ? `${type} (discard)` : type;
}
