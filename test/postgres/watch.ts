import { on } from 'node:events';
import { watch } from 'node:fs';

/**
 * Resolves with the first answer of `look` that is not undefined. It is asked once at the beginning and again
 * after every change in `directory` (not in the directories below it). Rejects when `signal` aborts or the
 * directory cannot be watched.
 */
export async function watchFor<T>(
  directory: string,
  look: () => Promise<T | undefined>,
  signal: AbortSignal,
): Promise<T> {
  // The watch is in place before the first look: what happens between two looks is an event that waits for
  // us.
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
