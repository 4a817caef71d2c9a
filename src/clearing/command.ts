import { type ChildProcess, spawn } from 'node:child_process';

/** Runs a program with its arguments, without a shell. Rejects with an Error in words, what it printed included. */
export type RunCommand = (command: readonly string[]) => Promise<void>;

const commandTimeoutMs = 60_000;

/** What a program says is for people: the beginning will do. */
const maxPrinted = 2_000;

/** Several loops can want one command (two handlers with one follower, a first clearing and a second): it never runs twice at once. */
export function commandRunner(timeoutMs = commandTimeoutMs): RunCommand {
  const last = new Map<string, Promise<void>>();
  return (command) => {
    const line = command.join('\0');
    const turn = (last.get(line) ?? Promise.resolve()).then(() => run(command, timeoutMs));
    const over = turn.catch(() => {});
    last.set(line, over);
    over.then(() => last.get(line) === over && last.delete(line));
    return turn;
  };
}

async function run([program = '', ...args]: readonly string[], timeoutMs: number): Promise<void> {
  const failure = await outcome(program, args, timeoutMs);
  if (failure !== undefined) throw new Error(`cannot run "${[program, ...args].join(' ')}": ${failure}`);
}

/**
 * Why it failed, undefined if it did not. It has a group of its own, which is killed as a whole: what a script or sudo started would go on
 * otherwise, and the next try would be beside it.
 */
function outcome(program: string, args: readonly string[], timeoutMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
    let printed = '';
    let killed = false;
    const timeout = setTimeout(() => {
      killed = true;
      killGroup(child);
    }, timeoutMs);
    child.stderr.on('data', (data) => {
      printed = (printed + data).slice(0, maxPrinted);
    });
    const end = (failure: string | undefined) => {
      clearTimeout(timeout);
      child.stderr.destroy();
      const words = printed.trim();
      resolve(failure === undefined ? undefined : failure + (words && `: ${words}`));
    };
    child.once('error', (error: NodeJS.ErrnoException) =>
      end(error.code === 'ENOENT' ? 'there is no such program' : error.message),
    );
    child.once('exit', (code, signal) => {
      // What it said may still be in the pipe; what it left running may hold that open.
      const over = () =>
        end(
          killed
            ? `it did not end within ${timeoutMs / 1_000} s and was killed`
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

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It has ended by itself.
  }
}
