import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { uptime } from 'node:os';
import { join } from 'node:path';
import type { Revival } from '../core/contracts.ts';
import { errorCode, toError } from '../core/errors.ts';
import { marker as name, newMarker } from '../core/hidden.ts';

/**
 * A machine that stops without warning can bring deleted pages back: unlink is not on the disk until the file system says so (seen
 * on ext4, xfs and btrfs). A marker in root, which no clearing touches, tells whether that may have happened.
 */
interface Marker {
  readonly boot: string;
  /** The daemon stopped and the disk had everything by then. */
  readonly clean: boolean;
}

/** How long `sync` may take before the stop is called unclean. */
const syncMs = 8_000;

export function keepMarker(root: string, boot = bootId()): Revival {
  return {
    mayHaveHappened() {
      const marker = readMarker(root);
      return marker !== undefined && !marker.clean && !sameBoot(marker.boot, boot);
    },
    markRunning: () => writeMarker(root, { boot, clean: false }),
    markClean() {
      execFileSync('sync', { timeout: syncMs });
      writeMarker(root, { boot, clean: true });
    },
  };
}

function readMarker(root: string): Marker | undefined {
  try {
    const fd = openSync(join(root, name), constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      return JSON.parse(readFileSync(fd, 'utf8')) as Marker;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    // Half written or not ours: nothing is known of the last run, which is what a stop without warning looks like.
    if (error instanceof SyntaxError) return { boot: '', clean: false };
    throw unmarked(root, error);
  }
}

/** Others may write in root, too: a name that exists is never opened for writing, so that no symbolic link leads outside. */
function writeMarker(root: string, marker: Marker): void {
  const temporary = join(root, newMarker);
  try {
    rmSync(temporary, { force: true });
    const fd = openSync(temporary, 'wx', 0o644);
    try {
      writeSync(fd, `${JSON.stringify(marker)}\n`);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, join(root, name));
    syncDirectory(root);
  } catch (error) {
    throw unmarked(root, error);
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function unmarked(root: string, cause: unknown): Error {
  const what = `Cannot keep the marker ${join(root, name)}`;
  const consequence =
    'after a crash of the machine deleted pages could come back unseen: let uncached write in root';
  return new Error(`${what} (${consequence}): ${toError(cause).message}`, { cause });
}

/** Linux names each boot; elsewhere the second of the boot has to do. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return `booted ${Math.round(Date.now() / 1_000 - uptime())}`;
  }
}

/** A clock that is adjusted moves the second of the boot: a minute more or less is the same boot. */
function sameBoot(one: string, other: string): boolean {
  const [first, second] = [one, other].map((boot) => Number(/^booted (\d+)$/.exec(boot)?.[1]));
  return one === other || Math.abs((first ?? Number.NaN) - (second ?? Number.NaN)) <= 60;
}
