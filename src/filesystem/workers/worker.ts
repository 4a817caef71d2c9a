import { formatDuration } from '../../core/duration.ts';
import type { WorkerTimings } from '../../core/timings.ts';
import type { StartWorker, WorkerChannel } from './start-worker.ts';
import { errorOf, type Message } from './worker-message.ts';
import type { AnswerTo, Request } from './worker-request.ts';

/** A worker was silent for too long, and was given up. */
export class Stalled extends Error {
  /** The path, below root, that it last reported. */
  readonly path: string | undefined;
  /** Whether its process has ended. One that does not even die of SIGKILL waits in the kernel for that path. */
  readonly isGone: () => boolean;

  constructor(path: string | undefined, ms: number, isGone = () => true) {
    super(`Cannot clear: a worker did not answer for ${formatDuration(ms)}`);
    this.path = path;
    this.isGone = isGone;
  }
}

interface Asked {
  readonly since: number;
  /** When its last message arrived. */
  heardAt: number;
  at: string | undefined;
  isListing: boolean;
  overdue: boolean;
  timer: NodeJS.Timeout | undefined;
  answer(answer: unknown): void;
  fail(error: Error): void;
}

interface SilenceTimings extends Pick<WorkerTimings, 'listingFactor' | 'checkAgainMs' | 'killMs'> {
  /** How long it may be silent, and how long its start may take. */
  readonly patienceMs: (isUp: boolean) => number;
}

/**
 * Handles one request after the other in a process of its own, and starts a new one after that process died
 * or was given up.
 */
export class Worker {
  readonly #root: string;
  readonly #start: StartWorker;
  readonly #timings: SilenceTimings;
  #channel: WorkerChannel | undefined;
  /** Given up, and not ended yet. */
  readonly #abandoned = new Set<WorkerChannel>();
  #isUp = false;
  #asked: Asked | undefined;

  constructor(root: string, start: StartWorker, timings: SilenceTimings) {
    this.#root = root;
    this.#start = start;
    this.#timings = timings;
  }

  start(): WorkerChannel {
    this.#channel ??= this.#started();
    return this.#channel;
  }

  /** Whether it has a process: not before its first request, nor after it has lost one. */
  get isStarted(): boolean {
    return this.#channel !== undefined;
  }

  /** How long it has been silent over its current request. */
  get waitingMs(): number {
    return this.#asked ? performance.now() - this.#asked.heardAt : 0;
  }

  /** How long it has been busy with its current request. */
  get busyMs(): number {
    return this.#asked ? performance.now() - this.#asked.since : 0;
  }

  /** Takes one request at a time. Rejects with `Stalled` when it is given up. */
  ask<Asked extends Request>(request: Asked): Promise<AnswerTo<Asked>> {
    return new Promise((resolve, reject) => {
      this.#asked = {
        since: performance.now(),
        heardAt: performance.now(),
        at: undefined,
        isListing: false,
        overdue: false,
        timer: undefined,
        // A worker answers the request that it was given (worker-child.ts).
        answer: (answer) => resolve(answer as AnswerTo<Asked>),
        fail: reject,
      };
      this.start().post(request);
      this.checkOverdue();
    });
  }

  /** Gives up a worker that has been silent for too long, now or when its time is over. */
  checkOverdue(): void {
    const asked = this.#asked;
    if (!asked) return;
    clearTimeout(asked.timer);
    const { patienceMs, listingFactor, checkAgainMs } = this.#timings;
    const leftMs = patienceMs(this.#isUp) * (asked.isListing ? listingFactor : 1) - this.waitingMs;
    if (leftMs <= 0 && asked.overdue) {
      this.#giveUp(asked);
      return;
    }
    asked.overdue = leftMs <= 0;
    asked.timer = setTimeout(() => this.checkOverdue(), asked.overdue ? checkAgainMs : leftMs);
  }

  async close(): Promise<void> {
    const channel = this.#channel;
    this.#ended(channel, new Error('Cannot clear: the cache was closed'));
    await channel?.end(this.#timings.killMs);
  }

  #started(): WorkerChannel {
    this.#isUp = false;
    const channel = this.#start(this.#root, {
      message: (message) => {
        if (this.#channel === channel) this.#receive(message);
      },
      // No row is lost: the log still has it, and the next request starts another process.
      ended: (error) => {
        this.#abandoned.delete(channel);
        this.#ended(channel, error);
      },
    });
    return channel;
  }

  #receive(message: Message): void {
    this.#isUp = true;
    const asked = this.#asked;
    if (!asked) return;
    asked.heardAt = performance.now();
    // From now on it is given up sooner.
    if ('up' in message) this.checkOverdue();
    else if ('at' in message) Object.assign(asked, { isListing: false }, message);
    else if ('error' in message) this.#done()?.fail(errorOf(message.error));
    else this.#done()?.answer(message.answer);
  }

  #giveUp({ at, heardAt }: Asked): void {
    const channel = this.#channel;
    if (!channel) return;
    this.#abandoned.add(channel);
    this.#ended(channel, new Stalled(at, performance.now() - heardAt, () => !this.#abandoned.has(channel)));
    void channel.end(this.#timings.killMs);
  }

  /** An ended process may report that more than once, and late: a later request belongs to its successor. */
  #ended(channel: WorkerChannel | undefined, error: Error): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    this.#done()?.fail(error);
  }

  #done(): Asked | undefined {
    const asked = this.#asked;
    clearTimeout(asked?.timer);
    this.#asked = undefined;
    return asked;
  }
}
