import type { Clock } from '../../core/contracts.ts';
import { TargetDownError, toError } from '../../core/errors.ts';
import type { Observe } from '../../core/events.ts';
import type { Layer } from '../../core/layers.ts';
import { clip, longestError } from '../../core/printable-text.ts';
import type { RunCommand } from '../../core/run-command.ts';
import type { TargetCache, WorkFailure } from '../../core/target-cache.ts';
import { openTurns, type Turns } from '../../core/turns.ts';
import { type Final, judge, type Verdict } from './answer.ts';
import { batches } from './batches.ts';
import { Breaker } from './breaker.ts';
import { hideSecrets } from './hide-secrets.ts';
import { openClient, type Send } from './http-client.ts';
import type { Subject } from './placeholders.ts';
import { openProgram } from './program-client.ts';
import { RequestRate } from './request-rate.ts';
import type { PurgeRequest } from './request-template.ts';
import { TargetReport } from './target-report.ts';
import type { Target } from './targets.ts';

/** A target that fails so often in a row is down. */
const attempts = 3;

/** Between two attempts. */
const againMs = 200;

/**
 * A cache that is asked over HTTP to forget pages. A work is a url or a tag, one request for each batch of them,
 * and for each site. While it is down, `clear` rejects; the rows stay behind, and all of them are sent when it
 * answers again.
 */
export class PurgeCache implements TargetCache {
  /** It may be slow or gone: no first clearing of another cache waits for it. */
  readonly readsLog = true;
  readonly place: string;
  readonly layer: Layer;
  readonly lagMs: number;
  readonly canBeWiped: boolean;
  readonly wipesOver: number | undefined;
  readonly #target: Target;
  readonly #send: Send;
  readonly #clock: Clock;
  readonly #breaker: Breaker;
  readonly #rate: RequestRate;
  /** All rounds and retries share the connections: the time-out of a request must not count the wait for one. */
  readonly #turns: Turns;
  readonly #report: TargetReport;
  readonly #hide: (text: string) => string;
  readonly #tell: (text: string) => void;
  readonly #ended = new AbortController();
  /** Requests in a row that have failed, of all connections. */
  #failed = 0;
  /** Its last answer was about the request. */
  #isWell = false;

  /** @param tell what an operator should know */
  constructor(
    target: Target,
    {
      clock,
      tell,
      run,
      observe = () => {},
    }: { clock: Clock; tell: (text: string) => void; run: RunCommand; observe?: Observe },
    send = target.address.program === undefined
      ? openClient(target.address, { ...target.settings, authorities: target.authorities })
      : openProgram(run, target.settings.timeoutMs),
  ) {
    this.place = target.address.text;
    this.layer = target.layer;
    this.lagMs = target.lagMs;
    this.canBeWiped = target.everything !== undefined;
    this.wipesOver = target.everything && target.settings.everythingOver;
    this.#target = target;
    this.#clock = clock;
    this.#tell = tell;
    this.#send = send;
    this.#hide = hideSecrets(target);
    this.#report = new TargetReport({ target: target.name, called: this.#say(), clock, observe });
    this.#breaker = new Breaker(clock, this.#report);
    this.#rate = new RequestRate(target.rate, clock);
    this.#turns = openTurns({ atOnce: target.settings.connections });
  }

  get problem(): string | undefined {
    return this.#report.problem;
  }

  clear(works: Iterable<string | readonly string[]>): ReturnType<TargetCache['clear']> {
    return this.#unlessEnded(this.#clearAll(works));
  }

  async #clearAll(works: Iterable<string | readonly string[]>): ReturnType<TargetCache['clear']> {
    const { sites, template, settings, batch } = this.#target;
    const failures: WorkFailure[] = [];
    const [longest] = sites.toSorted((a, b) => b.length - a.length);
    const left = batches(works, {
      works: batch,
      bytes: settings.batchBytes,
      cost: (work) => template.cost({ works: [work], site: longest }),
    });
    const purgeNext = async (): Promise<boolean> => {
      const { value: some, done } = left.next();
      if (done) return false;
      for (const site of sites.length > 0 ? sites : [undefined])
        for (const failure of await this.#purge({ works: some, site })) failures.push(failure);
      return true;
    };
    try {
      // One that is down, or may be, gets a single request.
      if (!this.#isWell) await purgeNext();
      await Promise.all(
        Array.from({ length: settings.connections }, async () => {
          while (await purgeNext());
        }),
      );
    } finally {
      // Whoever still waits for its turn then finds nothing: the caller repeats all of it.
      left.return(undefined);
    }
    return { files: 0, failures };
  }

  /** Asks for a batch, and where that is not taken, for its halves: what is wrong with one work is no other's fault. */
  async #purge({ works, site }: Subject): Promise<WorkFailure[]> {
    const verdict = await this.#ask(this.#target.template.fill({ works, site }), works.length);
    if (verdict.kind === 'acknowledged') return [];
    const [work = ''] = works;
    if (works.length === 1)
      return [{ work, error: clip(`cannot purge ${work}: ${verdict.why}`, longestError) }];
    const half = Math.ceil(works.length / 2);
    const failures = await this.#purge({ works: works.slice(0, half), site });
    return [...failures, ...(await this.#purge({ works: works.slice(half), site }))];
  }

  async wipe(): Promise<void> {
    const { everything } = this.#target;
    if (everything === undefined) {
      this.#tell(
        this.#say(
          'may have stale pages from before, and "everything" is not set: they stay until they expire',
        ),
      );
      return;
    }
    const verdict = await this.#unlessEnded(this.#ask(everything, 0));
    if (verdict.kind !== 'acknowledged') throw new Error(this.#say(verdict.why));
  }

  end(error: Error): void {
    this.#ended.abort(error);
  }

  /**
   * Resolves with what the target says of this one request; rejects if it is down.
   * @param works how many urls or tags it is for
   */
  async #ask(request: PurgeRequest, works: number): Promise<Final> {
    for (let failed = 0; ; ) {
      const verdict = await this.#turns(() => this.#askOnce(request, { works, failed }));
      if (verdict.kind === 'acknowledged' || verdict.kind === 'rejected') return verdict;
      if (verdict.kind === 'throttled') continue;
      failed += 1;
      await this.#untilEnded(this.#clock.wait(againMs, this.#ended.signal));
    }
  }

  /** What it learns of the target is known before the next one has its turn. */
  async #askOnce(
    request: PurgeRequest,
    { works, failed }: { works: number; failed: number },
  ): Promise<Verdict> {
    this.#ended.signal.throwIfAborted();
    // A target that is down must not use up the requests of the time when it is back.
    const turn = this.#breaker.rests ? undefined : this.#rate.turn(this.#ended.signal);
    if (turn) await this.#untilEnded(turn);
    if (!this.#breaker.mayAsk()) throw new TargetDownError(this.#say(this.#breaker.why));
    const verdict = await this.#attempt(request, works);
    this.#isWell = verdict.kind === 'acknowledged' || verdict.kind === 'rejected';
    this.#failed = verdict.kind === 'failed' ? this.#failed + 1 : 0;
    if (verdict.kind === 'acknowledged' || verdict.kind === 'rejected') {
      this.#breaker.up();
      this.#rate.goOn();
      return verdict;
    }
    if (verdict.kind === 'throttled') {
      this.#breaker.up();
      this.#report.throttled(verdict.why, this.#rate.rest(verdict.waitMs));
      return verdict;
    }
    const tooOften = Math.max(failed + 1, this.#failed) >= attempts;
    if (verdict.kind === 'down' || tooOften || this.#breaker.why !== undefined) {
      this.#breaker.down(verdict.why);
      throw new TargetDownError(this.#say(verdict.why));
    }
    return verdict;
  }

  async #attempt(request: PurgeRequest, works: number): Promise<Verdict> {
    const started = this.#clock.now();
    const verdict = await this.#judged(request);
    this.#report.answered(verdict, this.#clock.now() - started, works);
    return verdict;
  }

  async #judged(request: PurgeRequest): Promise<Verdict> {
    const { address, expect } = this.#target;
    try {
      return judge(await this.#send(request), { expect, method: request.method, hide: this.#hide });
    } catch (error) {
      this.#ended.signal.throwIfAborted();
      const why = this.#hide(toError(error).message);
      return {
        kind: 'failed',
        why: address.program === undefined ? `does not answer: ${why}` : `fails: ${why}`,
      };
    }
  }

  /** A wait that the end breaks off rejects with its reason. */
  async #untilEnded(wait: Promise<void>): Promise<void> {
    await wait.catch(() => {});
    this.#ended.signal.throwIfAborted();
  }

  /** What is under way then is left to itself: no one waits for a target that may never answer. */
  async #unlessEnded<T>(work: Promise<T>): Promise<T> {
    const { signal } = this.#ended;
    let end = () => {};
    const ended = new Promise<never>((_resolve, reject) => {
      end = () => reject(signal.reason);
      signal.addEventListener('abort', end, { once: true });
    });
    work.catch(() => {});
    try {
      return await Promise.race([work, ended]);
    } finally {
      signal.removeEventListener('abort', end);
    }
  }

  #say(...why: (string | undefined)[]): string {
    return [`[purge.${this.#target.settings.name}]`, this.place, ...why].join(' ');
  }
}
