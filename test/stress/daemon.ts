import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, statSync } from 'node:fs';
import { lastWill } from '../last-will.ts';
import type { Report } from './report.ts';

/** A run of the real daemon. All of them write to one log. */
export interface Daemon {
  /** Whether it has got as far as LISTEN. */
  listened(): boolean;
  kill(): Promise<void>;
  /**
   * SIGSTOP: it is there and does nothing, as on a machine that stalls, until it goes on in the middle of
   * what it was at.
   */
  freeze(): void;
  thaw(): void;
}

export function startDaemon({
  main,
  log,
  configuration,
  report,
}: {
  main: string;
  log: string;
  configuration: string;
  report: Report;
}): Daemon {
  const output = openSync(log, 'a');
  const startedAt = statSync(log).size;
  const child = spawn(process.execPath, [main, '--config', configuration, 'run'], {
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const revoke = lastWill('kill -9 "$1"', String(child.pid));
  let wanted = true;
  const ended = once(child, 'exit').then(([code, signal]) => {
    revoke();
    // What ends it is the run alone; a daemon never gives up by itself.
    if (wanted) report.violation('fault', [], `the daemon ended by itself: ${signal ?? code}`);
  });
  return {
    listened() {
      // A log that was cut since (world.ts) is of a daemon that has lived through a quiet point.
      if (statSync(log).size < startedAt) return true;
      return readFileSync(log).subarray(startedAt).includes('"event":"listening"');
    },
    async kill() {
      wanted = false;
      child.kill('SIGKILL');
      await ended;
    },
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}
