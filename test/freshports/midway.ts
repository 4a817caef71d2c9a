import { readdirSync, readFileSync, watch } from 'node:fs';
import { eventually } from '../faults/eventually.ts';
import { within } from '../postgres/within.ts';

/** So many files that deleting them takes longer than stopping the program. */
export const many = 20_000;

/** With fewer files left, what `act` does to them may come to nothing. */
const fewest = 100;

/**
 * Runs `act` while a program deletes the directory's files. The program is stopped when the first file
 * disappears, and continues after `act`. Resolves with false, without `act`, if the program was too fast. No
 * other clearing may be under way.
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
    100_000,
    'see the first file go',
    (signal) =>
      new Promise<void>((done, reject) => {
        watcher.once('change', () => {
          stop(pid);
          done();
        });
        signal.addEventListener('abort', () => reject(signal.reason));
      }),
  );
  try {
    await Promise.all([begin(), stopped]);
    const states = async () => [pid, ...childrenOf(pid)].map(stateOf).join('');
    const look = async () => {
      // It may have started another child before it was stopped.
      stop(pid);
      return /^[TZ]+$/.test(await states()) ? true : undefined;
    };
    await eventually('stopped', look, states);
    const present = new Set(readdirSync(directory));
    const left = files.filter((file) => present.has(file));
    if (left.length < fewest) return false;
    await act(left);
    return true;
  } finally {
    watcher.close();
    for (const each of [...childrenOf(pid), pid]) process.kill(each, 'SIGCONT');
  }
}

/** A program and its children. The program comes first: from then on it starts no child, and ends none. */
function stop(pid: number): void {
  process.kill(pid, 'SIGSTOP');
  for (const each of childrenOf(pid)) process.kill(each, 'SIGSTOP');
}

/** uncached has child processes that delete files. */
function childrenOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return children.map(Number);
}

/** `T` means stopped; `Z` means ended, until the parent takes note. */
function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .charAt(0);
}
