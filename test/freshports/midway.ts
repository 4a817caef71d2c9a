import { readdirSync, readFileSync, watch } from 'node:fs';
import { eventually } from '../faults/eventually.ts';
import { within } from '../postgres/within.ts';

/** So many that a program is at it for longer than it takes to stop it. */
export const many = 20_000;

/**
 * Has `act` done while a program deletes the directory's files: it is stopped when the first of them goes,
 * and goes on after `act`. Resolves with false if it was too fast; then nothing was done.
 */
export async function midway(
  { pid }: { pid: number },
  directory: string,
  begin: () => Promise<unknown>,
  act: (left: readonly string[]) => Promise<unknown>,
): Promise<boolean> {
  const files = readdirSync(directory);
  const watcher = watch(directory);
  // In the very callback: each turn of the event loop is some hundred files.
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

/** A program and those that it has started: uncached has children to delete files. */
function withChildren(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  );
  return [pid, ...children.map(Number)];
}

/** `T`: stopped. */
function stateOf(pid: number): string {
  return readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .charAt(0);
}
