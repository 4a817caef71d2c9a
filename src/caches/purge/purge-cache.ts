import type { Clock } from '../../core/contracts.ts';
import { TargetDownError, toError } from '../../core/errors.ts';
import type { Observe } from '../../core/events.ts';
import { clip, longestError } from '../../core/printable-text.ts';
import type { TargetCache, WorkFailure } from '../../core/target-cache.ts';
import { type Final, judge, type Verdict } from './answer.ts';
import { Breaker } from './breaker.ts';
import { hideSecrets } from './hide-secrets.ts';
import { openClient, type Send } from './http-client.ts';
import type { PurgeRequest } from './request-template.ts';
import { TargetReport } from './target-report.ts';
import type { Target } from './targets.ts';

/** A target that fails so often in a row is down. */
const attempts = 3;

/** Between two attempts, and where a target asks to wait without saying how long. */
const againMs = 200;
const throttledMs = 1_000;

/**
 * A cache that is asked over HTTP to forget pages. A work is a url or a tag, one request for each, and for each
 * site. While it is down, `clear` rejects; the rows stay behind, and all of them are sent when it answers again.
 */
export class PurgeCache implements TargetCache {
  /** It may be slow or gone: no first clearing of another cache waits for it. */
  readonly readsLog = true;
  readonly place: string;
  readonly after: readonly string[];
  readonly lagMs: number;
  readonly #target: Target;
  readonly #send: Send;
  readonly #clock: Clock;
  readonly #breaker: Breaker;
  readonly #report: TargetReport;
  readonly #hide: (text: string) => string;
  readonly #tell: (text: string) => void;
  readonly #ended = new AbortController();
  /** Requests in a row that have failed, of all connections. */
  #failed = 0;
  /** Its last answer was about the request. */
  #isWell = false;
  /** Nothing is sent before this: the target has asked to wait. */
  #throttledUntil = 0;

  /** @param tell what an operator should know */
  constructor(
    target: Target,
    { clock, tell, observe = () => {} }: { clock: Clock; tell: (text: string) => void; observe?: Observe },
    send = openClient(target.address, { ...target.settings, authorities: target.authorities }),
  ) {
    this.place = target.address.text;
    this.after = target.after;
    this.lagMs = target.lagMs;
    this.#target = target;
    this.#clock = clock;
    this.#tell = tell;
    this.#hide = hideSecrets(target);
    this.#send = send;
    this.#report = new TargetReport({ target: target.name, called: this.#say(), clock, observe });
    this.#breaker = new Breaker(clock, this.#report);
  }

  get problem(): string | undefined {
    return this.#report.problem;
  }

  clear(works: Iterable<string | readonly string[]>): ReturnType<TargetCache['clear']> {
    return this.#unlessEnded(this.#clearAll(works));
  }

  async #clearAll(works: Iterable<string | readonly string[]>): ReturnType<TargetCache['clear']> {
    const { sites, template, settings } = this.#target;
    const failures: WorkFailure[] = [];
    const left = flat(works);
    const purgeNext = async (): Promise<boolean> => {
      const { value: work, done } = left.next();
      if (done) return false;
      const subjects = sites.length > 0 ? sites.map((site) => ({ work, site })) : [{ work }];
      for (const subject of subjects) {
        const verdict = await this.#ask(template.fill(subject));
        if (verdict.kind === 'rejected')
          failures.push({ work, error: clip(`cannot purge ${work}: ${verdict.why}`, longestError) });
      }
      return true;
    };
    // One that is down, or may be, gets a single request.
    if (!this.#isWell) await purgeNext();
    await Promise.all(
      Array.from({ length: settings.connections }, async () => {
        while (await purgeNext());
      }),
    );
    return { files: 0, failures };
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

  /** Resolves with what the target says of this one request; rejects if it is down. */
  async #ask(request: PurgeRequest, works = 1): Promise<Final> {
    for (let failed = 0; ; ) {
      this.#ended.signal.throwIfAborted();
      const ms = this.#throttledUntil - this.#clock.now();
      if (ms > 0) await this.#wait(ms);
      if (!this.#breaker.mayAsk()) throw new TargetDownError(this.#say(this.#breaker.why));
      const verdict = await this.#attempt(request, works);
      this.#isWell = verdict.kind === 'acknowledged' || verdict.kind === 'rejected';
      this.#failed = verdict.kind === 'failed' ? this.#failed + 1 : 0;
      if (verdict.kind === 'acknowledged' || verdict.kind === 'rejected') {
        this.#breaker.up();
        return verdict;
      }
      if (verdict.kind === 'throttled') {
        this.#breaker.up();
        this.#throttledUntil = this.#clock.now() + (verdict.waitMs ?? throttledMs);
        this.#report.throttled(verdict.why, verdict.waitMs ?? throttledMs);
        continue;
      }
      failed += 1;
      const tooOften = Math.max(failed, this.#failed) >= attempts;
      if (verdict.kind === 'down' || tooOften || this.#breaker.why !== undefined) {
        this.#breaker.down(verdict.why);
        throw new TargetDownError(this.#say(verdict.why));
      }
      await this.#wait(againMs);
    }
  }

  /** @param works how many urls or tags it is for */
  async #attempt(request: PurgeRequest, works: number): Promise<Verdict> {
    const started = this.#clock.now();
    const verdict = await this.#judged(request);
    this.#report.answered(verdict, this.#clock.now() - started, works);
    return verdict;
  }

  async #judged(request: PurgeRequest): Promise<Verdict> {
    const { expect } = this.#target;
    const hide = this.#hide;
    try {
      return judge(await this.#send(request), { expect, method: request.method, hide });
    } catch (error) {
      this.#ended.signal.throwIfAborted();
      return { kind: 'failed', why: `does not answer: ${hide(toError(error).message)}` };
    }
  }

  async #wait(ms: number): Promise<void> {
    await this.#clock.wait(ms, this.#ended.signal).catch(() => {});
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

function* flat(works: Iterable<string | readonly string[]>): Generator<string, undefined> {
  for (const work of works) {
    if (typeof work === 'string') yield work;
    else yield* work;
  }
}
