import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { lastWill } from '../last-will.ts';
import type { Report } from './report.ts';

/** A run of the real daemon. All runs write to one log. */
export interface Daemon {
  /** Whether it has reached LISTEN. */
  listened(): boolean;
  readonly pid: number;
  kill(): Promise<void>;
  /** SIGTERM. It must end in order. */
  stop(): Promise<void>;
  /** SIGHUP: it reads its configuration again. */
  reload(): void;
  /**
   * SIGSTOP: the process exists and does nothing, as on a machine that stalls. It later continues in the
   * middle of its work.
   */
  freeze(): void;
  thaw(): void;
}

export function startDaemon({
  name,
  main,
  log,
  readLog,
  configuration,
  report,
}: {
  /** Of its node. */
  name: string;
  main: string;
  log: string;
  /** Since the last quiet point, whatever was rotated; and how many there were. */
  readLog: () => { text: string; quietPoints: number };
  configuration: string;
  report: Report;
}): Daemon {
  const output = openSync(log, 'a');
  const { quietPoints } = readLog();
  const child = spawn(process.execPath, [main, '--config', configuration, 'run'], {
    stdio: ['ignore', output, output],
  });
  closeSync(output);
  const revoke = lastWill('kill -9 "$1"', String(child.pid));
  let wanted = true;
  const ended = once(child, 'exit').then(([code, signal]) => {
    revoke();
    // Only the run ends a daemon. A daemon never exits by itself.
    if (wanted) report.violation('fault', [], `a daemon of ${name} ended by itself: ${signal ?? code}`);
    return code as number | null;
  });
  const logged = (event: string) => {
    const { text, quietPoints: now } = readLog();
    // At a quiet point every daemon works.
    if (now > quietPoints) return true;
    const started = text.indexOf(`"pid":${child.pid},`);
    return started >= 0 && text.includes(`"event":"${event}"`, text.lastIndexOf('\n', started) + 1);
  };
  return {
    listened: () => logged('listening'),
    async kill() {
      wanted = false;
      child.kill('SIGKILL');
      await ended;
    },
    pid: child.pid ?? 0,
    async stop() {
      wanted = false;
      // Before, SIGTERM ends it as it ends any program.
      const runs = logged('starting');
      child.kill('SIGTERM');
      const code = await ended;
      if (runs && code !== 0)
        report.violation('fault', [], `a daemon of ${name} ended after SIGTERM with ${code}`);
    },
    reload: () => void child.kill('SIGHUP'),
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
  };
}
