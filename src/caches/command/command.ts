import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { formatDuration } from '../../core/duration.ts';
import { toError } from '../../core/errors.ts';
import { CommandFailed, type RunCommand } from '../../core/run-command.ts';
import { usualTimings } from '../../core/timings.ts';
import { commandVariable, killMarked } from './process-tree.ts';

/** People read the output: its beginning is enough, and its last line. */
const maxPrinted = 2_000;

/**
 * Several loops may start the same command (two handlers with one follower, a first clearing and a second).
 * It never runs twice at once.
 */
export function commandRunner(usualMs = usualTimings.commandMs): RunCommand {
  const last = new Map<string, Promise<void>>();
  return (command, { input, timeoutMs = usualMs } = {}) => {
    const line = command.join('\0');
    const turn = (last.get(line) ?? Promise.resolve()).then(() => run(command, { input, timeoutMs }));
    const over = turn.catch(() => {});
    last.set(line, over);
    over.then(() => last.get(line) === over && last.delete(line));
    return turn;
  };
}

interface Task {
  readonly input: string | undefined;
  readonly timeoutMs: number;
}

async function run(command: readonly string[], task: Task): Promise<void> {
  const failure = await failureOf(command, task);
  if (!failure) return;
  const { outcome, printed } = failure;
  const words = printed === '' ? outcome : `${outcome}: ${printed}`;
  throw new CommandFailed(`cannot run "${command.join(' ')}": ${words}`, failure);
}

interface Failure {
  readonly outcome: string;
  readonly printed: string;
  readonly lastLine: string;
}

/**
 * Runs between the daemon and the program, and passes the arguments on unchanged. Descriptor 3 leads to the
 * daemon. When the daemon ends, even by kill -9, the whole group is killed, so that the next daemon does not
 * start the program while it still runs.
 */
const guard = `
{ read -r _ <&3; kill -KILL 0; } 2>/dev/null & watch=$!
command -v -- "$1" >/dev/null || { echo "there is no such program" >&2; kill "$watch"; exit 127; }
"$@" 3<&-
code=$?
kill "$watch"
[ "$code" -gt 128 ] && kill -"$((code - 128))" $$
exit "$code"`;

/**
 * Returns why the program failed, undefined if it did not. The program has a process group of its own, which
 * is killed as a whole. Otherwise whatever a script or sudo started would go on, and run at the same time as
 * the next attempt.
 */
function failureOf(command: readonly string[], { input, timeoutMs }: Task): Promise<Failure | undefined> {
  const mark = randomBytes(8).toString('hex');
  return new Promise((resolve) => {
    const child = start(command, mark, input);
    if (child instanceof Error) return resolve({ outcome: child.message, printed: '', lastLine: '' });
    let printed = '';
    let latest = '';
    let killed = false;
    const timeout = setTimeout(() => {
      killed = true;
      killGroup(child);
      killMarked(mark);
    }, timeoutMs);
    child.stderr?.on('data', (data) => {
      printed = (printed + data).slice(0, maxPrinted);
      latest = (latest + data).slice(-maxPrinted);
    });
    const end = (outcome: string | undefined) => {
      clearTimeout(timeout);
      for (const stream of child.stdio ?? []) stream?.destroy();
      const lastLine = latest.trim().split('\n').at(-1) ?? '';
      resolve(outcome === undefined ? undefined : { outcome, printed: printed.trim(), lastLine });
    };
    child.once('error', (error) => end(error.message));
    child.once('exit', (code, signal) => {
      // Its output may still be in the pipe, but a process that it left running may keep the pipe open.
      const over = () =>
        end(
          killed
            ? `it did not end within ${formatDuration(timeoutMs)} and was killed`
            : code === 0
              ? undefined
              : `it ended ${code === null ? `by ${signal}` : `with ${code}`}`,
        );
      child.once('close', over);
      setTimeout(over, lastWordsMs).unref();
    });
  });
}

const lastWordsMs = 500;

/** Some errors (E2BIG) are thrown; others (EMFILE) are events of a child that has no streams. */
function start(command: readonly string[], mark: string, input: string | undefined): ChildProcess | Error {
  try {
    const child = spawn('/bin/sh', ['-c', guard, 'sh', ...command], {
      detached: true,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe', 'pipe'],
      env: { ...process.env, [commandVariable]: mark },
    });
    // A program need not read what it is given.
    child.stdin?.on('error', () => {}).end(input);
    // Ignored: nothing is ever written to this descriptor while the program runs.
    child.stdio?.[3]?.on('error', () => {});
    return child;
  } catch (error) {
    return toError(error);
  }
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
