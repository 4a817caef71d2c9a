import { readdirSync, readFileSync, watch } from 'node:fs';
import { eventually } from '../faults/eventually.ts';
import { within } from '../postgres/within.ts';

/** So many files that deleting them takes longer than stopping the program. */
export const many = 20_000;

/**
 * Runs `act` while a program deletes the directory's files. The program is stopped when the first file
 * disappears, and continues after `act`. Resolves with false, without `act`, if the program was too fast.
 */
export async function midway(
  { pid }: { pid: number },
  directory: string,
  begin: () => Promise<unknown>,
  act: (left: readonly string[]) => Promise<unknown>,
): Promise<boolean> {
  const files = readdirSync(directory);
  const watcher = watch(directory);
  // Directly in the callback: each turn of the event loop is some hundred files.
  const stopped = within(
    30_000,
    'see the first file go',
    (signal) =>
      new Promise<void>((done, reject) => {
        watcher.once('change', () => {
          for (const each of withChildren(pid)) process.kill(each, 'SIGSTOP');
          done();
        });
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  );
  try {
    await Promise.all([begin(), stopped]);
    const states = async () => withChildren(pid).map(stateOf).join('');
    await eventually('stopped', async () => (/^T+$/.test(await states()) ? true : undefined), states);
    const present = new Set(readdirSync(directory));
    const left = files.filter((file) => present.has(file));
    if (left.length < 2) return false;
    await act(left);
    return true;
  } finally {
    watcher.close();
    for (const each of withChildren(pid)) process.kill(each, 'SIGCONT');
  }
}

/** A program and its children: uncached has child processes that delete files. */
function withChildren(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [pid, ...children.map(Number)];
}

/** `T` means stopped. */
function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .charAt(0);
}
