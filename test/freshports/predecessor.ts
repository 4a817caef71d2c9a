import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { lastWill } from '../last-will.ts';
import type { Account } from '../postgres/account.ts';
import { projectRoot } from '../postgres/project-root.ts';
import { findPython } from '../python.ts';

const python = findPython('psycopg2', 'python3-psycopg2');

/** Whether predecessor.py cannot run here. If so, a warning has been printed. */
export const predecessorMissing = python === undefined;

export interface Predecessor {
  readonly pid: number;
  /** Everything it has printed, including the traceback if it has crashed. */
  readonly lines: readonly string[];
  /** Resolves with the `nth` line, past or future, that contains `text`. */
  until(text: string, nth?: number): Promise<string>;
  readonly ended: Promise<number | null>;
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts predecessor.py with an fp-listen.ini. */
export function startPredecessor(file: string, env: NodeJS.ProcessEnv = {}, account?: Account): Predecessor {
  const script = join(projectRoot, 'test/freshports/predecessor.py');
  const child = spawn(python ?? 'python3', ['-u', script, file], {
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1', ...env },
    ...(account && { uid: account.uid, gid: account.gid }),
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const revoke = lastWill('kill -9 "$1"', String(child.pid));
  const lines: string[] = [];
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      for (const look of waiting) look();
    });
  }
  const ended = once(child, 'close').then(([code]) => {
    revoke();
    return code as number | null;
  });
  return {
    pid: child.pid ?? 0,
    lines,
    ended,
    until(text, nth = 1) {
      return new Promise((done, reject) => {
        const look = () => {
          const found = lines.filter((line) => line.includes(text))[nth - 1];
          if (found === undefined) return;
          finish();
          done(found);
        };
        const deadline = setTimeout(() => {
          finish();
          reject(
            new Error(`The predecessor has not said "${text}" within 100 s:\n${lines.slice(-30).join('\n')}`),
          );
        }, 100_000);
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
