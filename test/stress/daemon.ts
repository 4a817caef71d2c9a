import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, statSync } from 'node:fs';
import { lastWill } from '../last-will.ts';
import type { Report } from './report.ts';

/** The real daemon, one run of it after the other; all write to one log. */
export class Daemon {
  readonly #main: string;
  readonly #log: string;
  readonly #output: number;
  readonly #report: Report;
  #child: ChildProcess | undefined;
  #startedAt = 0;
  #ended: Promise<unknown> = Promise.resolve();

  constructor({ main, log, report }: { main: string; log: string; report: Report }) {
    this.#main = main;
    this.#log = log;
    this.#output = openSync(log, 'a');
    this.#report = report;
  }

  start(configuration: string): void {
    const args = [this.#main, '--config', configuration, 'run'];
    this.#startedAt = statSync(this.#log).size;
    const child = spawn(process.execPath, args, { stdio: ['ignore', this.#output, this.#output] });
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

  /** Returns whether it was still starting. */
  async kill(): Promise<boolean> {
    const child = this.#child;
    this.#child = undefined;
    child?.kill('SIGKILL');
    await this.#ended;
    return !this.#listened();
  }

  /** A log that was cut since (world.ts) is of a daemon that has lived through a quiet point. */
  #listened(): boolean {
    if (statSync(this.#log).size < this.#startedAt) return true;
    return readFileSync(this.#log, 'utf8').slice(this.#startedAt).includes('"event":"listening"');
  }
}
