import { setTimeout as wait } from 'node:timers/promises';
import type { DeletionResult } from '../../core/page-files.ts';
import type { WorkerTimings } from '../../core/timings.ts';
import type { Confines } from '../walk/directory.ts';
import { notAnsweringCode, notAnsweringMessage } from '../walk/step-guard.ts';
import { SuspendedDirectories } from './suspended-directories.ts';
import { Stalled, type Worker } from './worker.ts';
import type { ClearRequest } from './worker-request.ts';

/** For one request, this many directories that do not answer are found before all the rest of it fails. */
const maxFound = 4;

/** While so many workers that went to a directory wait in the kernel, it is not probed: each probe may cost another. */
const maxWaiting = 2;

type ProbeTimings = Pick<WorkerTimings, 'probeMs' | 'longestProbeMs'>;

/**
 * Repeats what a worker fell silent over, one request at a time, with a worker of its own that reports each
 * step. So the directory that does not answer is found. From then on no other worker goes there, everything
 * else is cleared, and this worker probes the directory until it answers.
 */
export class Quarantine {
  readonly #worker: Worker;
  readonly #confines: Confines;
  readonly #probeMs: number;
  readonly #longestProbeMs: number;
  readonly #suspended = new SuspendedDirectories();
  /** By directory, those that it has cost and that may still wait for it. */
  readonly #stalled = new Map<string, Stalled[]>();
  readonly #end = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  #probing = false;
  #hurried = false;

  constructor(worker: Worker, { probeMs, longestProbeMs }: ProbeTimings, confines: Confines) {
    this.#worker = worker;
    this.#confines = confines;
    this.#probeMs = probeMs;
    this.#longestProbeMs = longestProbeMs;
  }

  /** Directories that every request leaves out: patterns below them fail at once. */
  get suspended(): readonly string[] {
    return this.#suspended.paths;
  }

  /** Another worker fell silent over a look at a front. */
  suspend(front: string, error: Stalled): void {
    if (!this.#suspended.add(front, { alone: true })) return;
    this.#stalled.set(front, [error]);
    void this.#probe();
  }

  clear(request: ClearRequest): Promise<DeletionResult> {
    return this.#inTurn(() => this.#clear(request)).finally(() => this.#closeUnneeded());
  }

  /** While hurried it does not search for the directory: whatever a worker falls silent over fails. */
  hurry(hurried: boolean): void {
    this.#hurried = hurried;
  }

  end(): void {
    this.#hurried = true;
    this.#end.abort();
  }

  async #clear(request: ClearRequest): Promise<DeletionResult> {
    let silent: string | undefined;
    for (let found = 0; found <= maxFound && !this.#hurried; found++) {
      try {
        return await this.#worker.ask({ ...request, suspended: this.suspended, traced: true });
      } catch (error) {
        if (!(error instanceof Stalled)) throw error;
        silent = error.path;
        if (silent === undefined || !this.#suspended.add(silent)) break;
        this.#stalled.set(silent, [error]);
        void this.#probe();
      }
    }
    const failure = { whole: true, code: notAnsweringCode, message: notAnsweringMessage } as const;
    return {
      files: 0,
      failures: request.patterns.map((pattern) => ({ pattern, path: silent || pattern, ...failure })),
    };
  }

  async #probe(): Promise<void> {
    if (this.#probing) return;
    this.#probing = true;
    let waitMs = this.#probeMs;
    while (this.suspended.length > 0 && (await this.#waited(waitMs))) {
      for (const path of this.suspended)
        if (await this.#inTurn(() => this.#answers(path))) this.#suspended.lift(path);
      waitMs = Math.min(2 * waitMs, this.#longestProbeMs);
    }
    this.#probing = false;
    this.#stalled.clear();
    this.#closeUnneeded();
  }

  /** Runs until no directory is left; starts again when one hangs. */
  #closeUnneeded(): void {
    void this.#inTurn(async () => {
      if (this.suspended.length === 0) await this.#worker.close();
    });
  }

  async #answers(path: string): Promise<boolean> {
    const waiting = this.#stalled.get(path)?.filter(({ isGone }) => !isGone()) ?? [];
    if (waiting.length >= maxWaiting) return false;
    try {
      await this.#worker.ask({ kind: 'probe', path, ...this.#confines });
      return true;
    } catch (error) {
      this.#stalled.set(path, error instanceof Stalled ? [...waiting, error] : waiting);
      return false;
    }
  }

  /** Returns false at the end. */
  #waited(ms: number): Promise<boolean> {
    return wait(ms, true, { signal: this.#end.signal, ref: false }).catch(() => false);
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => {});
    return result;
  }
}
