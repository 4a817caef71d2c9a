import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Account } from './account.ts';
import { guardianScript } from './guardian-script.ts';
import { within } from './within.ts';

/**
 * The process that owns a server and its directory, and outlives us by as long as it takes to remove both.
 */
export interface Guardian {
  /**
   * Resolves with the rest of the next report that begins with `word`. Rejects when the guardian ends before.
   */
  report(word: string, signal: AbortSignal): Promise<string>;
  /** Sends `order`, which nothing answers. */
  tell(order: string): void;
  /** Sends `order` and resolves with the report that answers it. */
  ask(order: string, answer: string, signal: AbortSignal): Promise<string>;
  /**
   * Has the guardian stop the server and remove the directory; resolves when it has, however often it is
   * called. Rejects when it could not.
   */
  dismiss(): Promise<void>;
}

/** The script itself gives a server that does not stop 6 s. */
const dismissMs = 30_000;

/** Starts the guardian of `directory`, as `account` or else as ourselves. Its first report is `guarding`. */
export function spawnGuardian(directory: string, account: Account | undefined): Guardian {
  const child = spawn('/bin/sh', ['-c', guardianScript, 'guardian', directory], {
    cwd: '/',
    // A session of its own: the interrupt key of our terminal must not reach the server before the tests have
    // ended.
    detached: true,
    // No PG* variable of ours may reach initdb or postgres.
    env: { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['pipe', 'pipe', 'ignore'],
    ...(account && { uid: account.uid, gid: account.gid }),
  });
  release(child);
  // A guardian that is gone is told by its end, not by a failed write to it.
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

/** A server that nobody stopped must not keep us from exiting: the guardian stops it then. */
function release(child: ChildProcess): void {
  child.unref();
  for (const pipe of [child.stdin, child.stdout]) {
    if (pipe instanceof Socket) pipe.unref();
  }
}
