import { readdirSync, readFileSync } from 'node:fs';
import { eventually } from '../faults/eventually.ts';
import { watchFor } from '../postgres/watch.ts';
import { within } from '../postgres/within.ts';

/** So many that a program is at it for longer than it takes to stop it. */
export const many = 20_000;

/**
 * Has `act` done while the program deletes files: it is stopped once the first of the directory's files is gone, and goes on after
 * `act`. Resolves with false if it was too fast; then nothing was done.
 */
export async function midway(
  { pid }: { pid: number },
  directory: string,
  begin: () => Promise<unknown>,
  act: (left: readonly string[]) => Promise<unknown>,
): Promise<boolean> {
  const files = readdirSync(directory);
  const begun = within(30_000, 'see the first file go', (signal) =>
    watchFor(
      directory,
      async () => (readdirSync(directory).length < files.length ? true : undefined),
      signal,
    ),
  );
  await begin();
  await begun;
  process.kill(pid, 'SIGSTOP');
  try {
    await eventually(
      'stopped',
      async () => (stateOf(pid) === 'T' ? true : undefined),
      async () => stateOf(pid),
    );
    const present = new Set(readdirSync(directory));
    const left = files.filter((file) => present.has(file));
    if (left.length < 2) return false;
    await act(left);
    return true;
  } finally {
    process.kill(pid, 'SIGCONT');
  }
}

function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .charAt(0);
}
