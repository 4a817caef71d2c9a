import { opendir } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { formatRootError } from '../core/disk-errors.ts';
import { formatDuration } from '../core/duration.ts';

/** A mount whose server is gone never answers. */
const patienceMs = 5_000;

/**
 * Returns why a root cannot be opened and listed, undefined if it can. Runs outside the main thread, and does
 * not wait for ever.
 */
export async function rootProblem(root: string): Promise<string | undefined> {
  const over = new AbortController();
  const silent = wait(
    patienceMs,
    `root ${root} cannot be opened: it does not answer within ${formatDuration(patienceMs)}`,
    {
      signal: over.signal,
    },
  );
  try {
    return await Promise.race([openingProblem(root), silent]);
  } finally {
    over.abort();
    silent.catch(() => {});
  }
}

async function openingProblem(root: string): Promise<string | undefined> {
  try {
    const directory = await opendir(root);
    await directory.close();
    return undefined;
  } catch (error) {
    return formatRootError(root, error);
  }
}
