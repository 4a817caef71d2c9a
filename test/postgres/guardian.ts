import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Account } from './account.ts';
import { guardianScript } from './guardian-script.ts';
import { within } from './within.ts';

/**
 * The process that owns a server and its directory. It outlives us for as long as it takes to remove both.
 */
export interface Guardian {
  /**
   * Resolves with the rest of the next report that begins with `word`. Rejects when the guardian ends first.
   */
  report(word: string, signal: AbortSignal): Promise<string>;
  /** Sends `order`, which has no answer. */
  tell(order: string): void;
  /** Sends `order` and resolves with its report. */
  ask(order: string, answer: string, signal: AbortSignal): Promise<string>;
  /**
   * Makes the guardian stop the server and remove the directory. Resolves when it has, and may be called
   * again. Rejects when it could not.
   */
  dismiss(): Promise<void>;
}

/** The script itself waits 6 s for a server that does not stop. */
const dismissMs = 100_000;

/**
 * Starts the guardian of `directory`, as `account` or else as our own user. Its first report is `guarding`.
 */
export function spawnGuardian(directory: string, account: Account | undefined): Guardian {
  const child = spawn('/bin/sh', ['-c', guardianScript, 'guardian', directory], {
    cwd: '/',
    // In a session of its own: the terminal's interrupt key must not reach the server before the tests have
    // ended.
    detached: true,
    // None of our PG* variables may reach initdb or postgres.
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(account && { uid: account.uid, gid: account.gid }),
  });
  release(child);
  // The guardian's exit is reported, so a failed write to it need not be.
  child.stdin.on('error', () => undefined);

  const reports = new EventEmitter();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [word = '', ...rest] = line.split(' ');
    reports.emit(word, rest.join(' '));
  });

  const ended = new AbortController();
  const exit = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(`${signal ?? code}`));
  });
  void exit.then((status) => ended.abort(new Error(`the guardian of ${directory} ended (${status})`)));

  const report: Guardian['report'] = async (word, signal) => {
    const heard: unknown[] = await once(reports, word, { signal: AbortSignal.any([signal, ended.signal]) });
    return String(heard[0]);
  };
  const tell = (order: string) => {
    child.stdin.write(`${order}\n`);
  };
  return {
    report,
    tell,
    ask(order, answer, signal) {
      const answered = report(answer, signal);
      tell(order);
      return answered;
    },
    async dismiss() {
      child.stdin.end();
      const status = await within(dismissMs, `stop the server in ${directory}`, () => exit);
      if (status !== '0') {
        throw new Error(`Cannot remove ${directory}: its guardian ended (${status}); remove it by hand`);
      }
    },
  };
}

/** A server that nobody stopped must not keep us from exiting. The guardian then stops it. */
function release(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) {
    if (pipe instanceof Socket) pipe.unref();
  }
}
