import { on } from 'node:events';
import { watch } from 'node:fs';

/**
 * Resolves with the first result of `look` that is not undefined. It is called once at the beginning and
 * again after every change in `directory` (not in directories below it). Rejects when `signal` aborts or the
 * directory cannot be watched.
 */
export async function watchFor<T>(
  directory: string,
  look: () => Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T> {
  // The directory is watched before the first call, so that no change between two calls is missed.
  const watcher = watch(directory);
  try {
    const changes = on(watcher, 'change', { signal });
    for (;;) {
      const found = await look();
      if (found !== undefined) return found;
      await changes.next();
    }
  } finally {
    watcher.close();
  }
}
