import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { lastWill } from './last-will.ts';
import type { Account } from './postgres/account.ts';

/** As it is published (scripts/bundle.js). */
export const main = resolve(
  import.meta.dirname.replace(/\/build\/test$/, '/test'),
  '../dist/program/main.js',
);

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command of the built `uncached` to its end. */
export async function uncached(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  how: How = {},
): Promise<Ended> {
  const child = start(args, env, how);
  const out = { stdout: '', stderr: '' };
  // By text, because a read may end in the middle of a character.
  child.stdout?.setEncoding('utf8').on('data', (data) => {
    out.stdout += data;
  });
  child.stderr?.setEncoding('utf8').on('data', (data) => {
    out.stderr += data;
  });
  const [code] = await once(child, 'close');
  return { code, ...out, ...(!how.verbatim && { stdout: withoutRoot(out.stdout) }) };
}

/** The output of `check` without its notice that it runs as root, as the tests may do. */
export function withoutRoot(stdout: string): string {
  const without = stdout.replace(/^notice: checked as root, .*\n/m, '');
  if (without === stdout) return stdout;
  return without.replace(/^(no problems|\d+ problems?), (\d+) notices?(?=$|: )/m, (_all, problems, count) =>
    [problems, ...(count === '1' ? [] : [`${count - 1} notice${count === '2' ? '' : 's'}`])].join(', '),
  );
}

/** A line of the log. */
export interface LogLine {
  readonly event: string;
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

export interface RunningDaemon {
  readonly pid: number;
  /** Everything logged so far. */
  readonly log: readonly LogLine[];
  /**
   * Resolves with the first line, past or future, that fits. Each line is tested once. Rejects with the log
   * at the deadline.
   */
  until(what: string, fits: (line: LogLine) => boolean, ms?: number): Promise<LogLine>;
  /** Sends the signal. Resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  readonly ended: Promise<number | null>;
  /** Everything written to standard error so far. */
  complaints(): string;
}

export interface How {
  /** A user other than ours. */
  readonly account?: Pick<Account, 'uid' | 'gid'>;
  /** The prefix of the command. */
  readonly before?: readonly string[];
  /** Whether to keep the complete output of `check` (withoutRoot). */
  readonly verbatim?: boolean;
  /** The main.js of another build. */
  readonly program?: string;
  /** Whether to start it out of reach of the terminal's interrupt key. */
  readonly detached?: boolean;
}

/** Starts the real daemon and reads its log. */
export function startUncached(file: string, env: NodeJS.ProcessEnv = {}, how: How = {}): RunningDaemon {
  const child = start(['--config', file, 'run'], env, how);
  const log: LogLine[] = [];
  const waiting = new Set<() => void>();
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (data) => {
    stderr += data;
  });
  if (child.stdout) {
    createInterface({ input: child.stdout }).on('line', (line) => {
      log.push(JSON.parse(line) as LogLine);
      for (const look of waiting) look();
    });
  }
  const revoke = lastWill('kill -9 "$1"', String(child.pid));
  const ended = once(child, 'close').then(([code]) => {
    revoke();
    return code as number | null;
  });

  return {
    pid: child.pid ?? 0,
    log,
    ended,
    complaints: () => stderr,
    until(what, fits, ms = 100_000) {
      return new Promise((done, reject) => {
        let seen = 0;
        const look = () => {
          for (let line = log[seen]; line; line = log[++seen]) {
            if (!fits(line)) continue;
            finish();
            return done(line);
          }
        };
        const deadline = setTimeout(() => {
          finish();
          const lines = log.slice(-30).map((line) => JSON.stringify(line));
          reject(new Error(`No ${what} within ${ms} ms:\n${lines.join('\n')}\n${stderr}`));
        }, ms);
        const finish = () => {
          clearTimeout(deadline);
          waiting.delete(look);
        };
        waiting.add(look);
        look();
      });
    },
    stop(signal = 'SIGTERM') {
      child.kill(signal);
      return ended;
    },
  };
}

function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  { account, before = [], program = main, detached = false }: How = {},
): ChildProcess {
  const [command = '', ...rest] = [...before, process.execPath, program, ...args];
  return spawn(command, rest, {
    env: { ...process.env, ...env },
    ...(account && { uid: account.uid, gid: account.gid }),
    detached,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
