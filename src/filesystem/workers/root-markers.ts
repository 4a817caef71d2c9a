import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { formatDuration } from '../../core/duration.ts';
import type { Mark, Markers, SeenRoot } from '../../core/root.ts';
import { usualTimings } from '../../core/timings.ts';
import type { FileCache } from './file-cache.ts';
import { Stalled } from './worker.ts';

const run = promisify(execFile);

/**
 * The markers of a cache, read and written by its workers: the daemon itself does not wait for a disk that
 * does not answer.
 * @param zones their directories. The end is as clean there as in root, or not clean at all: no marker is kept in a
 *   zone, so that of root says whether it is cleared after a power loss
 */
export function rootMarkers(
  root: string,
  fronts: readonly string[],
  { ask, silent: hanging }: Pick<FileCache, 'ask' | 'silent'>,
  { syncMs = usualTimings.root.syncMs, zones = [] }: { syncMs?: number; zones?: readonly string[] } = {},
): Markers {
  let mounts: string[] = [];

  /** A front that does not answer is left out, and the others are read nevertheless. */
  async function lookAround(silent: readonly string[]): Promise<SeenRoot> {
    try {
      return await ask({ kind: 'look', fronts, silent });
    } catch (error) {
      if (!(error instanceof Stalled) || !error.path || silent.includes(error.path)) throw error;
      hanging.suspend(error.path, error);
      return lookAround([...silent, error.path]);
    }
  }

  return {
    root,
    fronts,
    async read() {
      // Each look at one that hangs could cost a worker for as long as it does.
      const seen = await lookAround(hanging.suspended.filter((path) => fronts.includes(path)));
      mounts = seen.fronts.filter(({ path, mounted }) => path === '' || mounted).map(({ path }) => path);
      return seen;
    },
    async write(marks: readonly Mark[]) {
      await ask({ kind: 'mark', fronts, marks });
    },
    async sync() {
      const directories = [...mounts.map((path) => join(root, path)), ...zones];
      await Promise.all(directories.map((directory) => sync(directory, syncMs)));
    },
  };
}

/**
 * Syncs one file system, in a process of its own; one that does not end is abandoned. Where `sync` has no
 * `-f`, or the directory is away, as a zone may be, it syncs all file systems.
 */
async function sync(directory: string, syncMs: number): Promise<void> {
  try {
    await within(['-f', directory], syncMs);
  } catch (error) {
    if ((error as { killed?: boolean }).killed) throw timedOut(directory, syncMs, error);
    await within([], syncMs).catch((cause) => {
      throw timedOut(directory, syncMs, cause);
    });
  }
}

async function within(args: readonly string[], syncMs: number): Promise<void> {
  const syncing = run('sync', args, { timeout: syncMs, killSignal: 'SIGKILL' });
  syncing.child.unref();
  let late: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    // Killing does not end a process that waits in the kernel.
    late = setTimeout(() => reject(Object.assign(new Error('it takes too long'), { killed: true })), syncMs);
  });
  syncing.catch(() => {});
  try {
    await Promise.race([syncing, over]);
  } finally {
    clearTimeout(late);
  }
}

function timedOut(directory: string, syncMs: number, cause: unknown): Error {
  return new Error(
    `Cannot put what was deleted in ${directory} on the disk: "sync" did not end within ${formatDuration(syncMs)}`,
    { cause },
  );
}
