import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { lastWill } from '../last-will.ts';
import type { Report } from './report.ts';

/** The real daemon, one run of it after the other; all write to one log. */
export class Daemon {
  readonly #main: string;
  readonly #log: number;
  readonly #report: Report;
  #child: ChildProcess | undefined;
  #ended: Promise<unknown> = Promise.resolve();

  constructor({ main, log, report }: { main: string; log: string; report: Report }) {
    this.#main = main;
    this.#log = openSync(log, 'a');
    this.#report = report;
  }

  start(configuration: string): void {
    const args = [this.#main, '--config', configuration, 'run'];
    const child = spawn(process.execPath, args, { stdio: ['ignore', this.#log, this.#log] });
    const revoke = lastWill('kill -9 "$1"', String(child.pid));
    this.#child = child;
    this.#ended = once(child, 'exit').then(([code, signal]) => {
      revoke();
      if (this.#child !== child) return;
      // What kills it is the run alone; a daemon never gives up by itself.
      this.#child = undefined;
      this.#report.violation('fault', [], `the daemon ended by itself: ${signal ?? code}`);
    });
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    await this.#ended;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }
}
