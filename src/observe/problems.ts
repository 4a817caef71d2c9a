import type { Problem, ProblemKind } from '../core/daemon-status.ts';
import { explain, isOutage, TargetDownError } from '../core/errors.ts';
import type { Event } from '../core/events.ts';
import { clip, longestError } from '../core/printable-text.ts';
import { didYouMean } from '../core/suggest.ts';
import {
  type Criticality,
  type EventProblem,
  notListening,
  problemOf,
  problemsEndedBy,
} from './event-problems.ts';

interface KnownProblem extends EventProblem {
  readonly critical: Criticality;
  readonly since: number;
}

/** Loops that belong to no handler. */
const loops: Readonly<Record<string, { kind: ProblemKind; critical: Criticality }>> = {
  root: { kind: 'root', critical: 'at once' },
  trim: { kind: 'log', critical: 'when long' },
  consumers: { kind: 'log', critical: 'when long' },
  listen_for: { kind: 'channel', critical: 'when long' },
};

/** Loops of a consumer (daemon/stations.ts). */
const ofConsumer = /, (log|failing|settling)$/;

/** No event reports the end of a problem that a notification revealed: it is shown for this long. */
const missedMs = 3_600_000;

/**
 * An entry that fails again and again is a problem of that entry; when others fail too, and nothing else is
 * cleared, it is one of the handler.
 */
const fewest = 2;

/** The problems that the daemon itself met, from its events: each from its beginning until it is over. */
export class Problems {
  readonly #known = new Map<string, KnownProblem>();
  /** By the key of the problem that nothing of a handler can be cleared in a cache. */
  readonly #failed = new Map<string, ReadonlySet<number>>();
  /** Channels whose handler is not configured. */
  readonly #unknown = new Map<string, Extract<Event, { kind: 'unknown-handler' }>>();
  readonly #now: () => number;
  readonly #onChange: () => void;

  /** @param onChange called when the list has changed, other than by time */
  constructor(now: () => number, onChange = () => {}) {
    this.#now = now;
    this.#onChange = onChange;
    this.#set(...notListening('starting'));
  }

  get listening(): boolean {
    return !this.#known.has('listening');
  }

  /**
   * @param longMs a problem that is critical only when it lasts becomes so after this time
   * @param isOver whether the problem is known to be over since then, without an event
   */
  list(longMs: number, isOver = (_problem: EventProblem, _since: number) => false): Problem[] {
    const now = this.#now();
    const lasting = [...this.#known.values()].filter(
      (one) => now - one.since < (one.forMs ?? Number.POSITIVE_INFINITY) && !isOver(one, one.since),
    );
    return lasting.map(({ critical, since, forMs: _forMs, ...problem }) => {
      const isCritical = critical === 'at once' || (critical === 'when long' && now - since >= longMs);
      return { level: isCritical ? 'critical' : 'warning', ...problem };
    });
  }

  /** What the log shows. */
  observe(event: Event): void {
    if (event.kind === 'reloading') this.#begin(event.why);
    else if (event.kind === 'unknown-handler') this.#unknown.set(event.channel, event);
    else if (event.kind === 'notified') this.#missed(event.channel);
    for (const key of problemsEndedBy(event)) this.#over(key);
    // Loops failed, and work again; whether it is listening is a separate problem.
    if (event.kind === 'database-recovered' && this.#known.get('listening')?.kind === 'database')
      this.#over('listening');
    const problem = problemOf(event);
    if (problem) this.#set(...problem);
    // The guard of root reports it once, and nothing else does.
    if ('loop' in event && event.loop === 'root') this.notice(event);
  }

  /** Everything that the log reports only once, each time. */
  notice(event: Event): void {
    switch (event.kind) {
      case 'loop-failed':
        // It concerns all, or a target, and is reported as such. Or the loop has ended: what takes its place reports its own.
        if (isOutage(event.error) || event.error instanceof TargetDownError || event.retryMs === null)
          this.#over(event.loop);
        else this.#loopFailed(event.loop, event.error);
        return;
      case 'loop-recovered':
        this.#over(event.loop);
        return;
      case 'batch-done':
        this.#tried(event);
        return;
      case 'target-down':
        this.#set(`target ${event.target}`, { kind: 'consumer', text: event.text, critical: 'when long' });
        return;
      case 'target-up':
        this.#over(`target ${event.target}`);
        return;
      case 'database-unavailable':
      case 'retrying':
      case 'listener-lost':
        this.observe(event);
    }
  }

  #begin(why: string): void {
    for (const key of this.#known.keys()) if (key !== 'configuration' || why === 'SIGHUP') this.#over(key);
    this.#failed.clear();
    this.#unknown.clear();
  }

  /** A row of listen_for that nobody notifies is a leftover, and no reason for an alert. */
  #missed(channel: string): void {
    const unknown = this.#unknown.get(channel);
    if (!unknown) return;
    const { handler, known } = unknown;
    const text = `a notification came on ${channel} and nothing was cleared: its handler "${handler}" is not configured${didYouMean(handler, known)}`;
    const key = `unknown ${channel}`;
    this.#over(key);
    this.#set(key, { kind: 'channel', text, critical: 'at once', forMs: missedMs });
  }

  #loopFailed(loop: string, error: Error): void {
    const own = ofConsumer.test(loop) ? ({ kind: 'log', critical: 'when long' } as const) : loops[loop];
    const text = clip(explain(error), longestError);
    if (own) this.#set(loop, { ...own, text: loop === 'root' ? text : `${loop}: ${text}` });
    else this.#set(loop, { kind: 'handler', handler: loop, text: `${loop}: ${text}`, critical: 'at once' });
  }

  #tried({ handler, consumer, cleared, failures, invalid }: Extract<Event, { kind: 'batch-done' }>): void {
    // Cleared for the second time, so the counts include it from now on.
    if (invalid.some(({ known }) => known)) this.#over(`invalid ${handler}`);
    const key = `all of ${handler} in ${consumer}`;
    if (cleared.length > 0) {
      this.#failed.delete(key);
      this.#over(key);
    }
    const [first] = failures;
    if (!first || cleared.length > 0) return;
    const before = this.#failed.get(key) ?? new Set();
    const ids = new Set([...before, ...failures.slice(0, fewest).map(({ id }) => id)]);
    // More need not be kept in memory.
    if (before.size < fewest) this.#failed.set(key, ids);
    if (ids.size < fewest) return;
    this.#set(key, {
      kind: 'failing',
      handler,
      text: `${handler}: nothing can be cleared: ${clip(first.error, longestError)}`,
      critical: 'at once',
    });
  }

  #set(key: string, { critical = 'never', ...problem }: EventProblem): void {
    const before = this.#known.get(key);
    this.#known.set(key, { ...problem, critical, since: before?.since ?? this.#now() });
    if (before?.text !== problem.text || before.critical !== critical) this.#onChange();
  }

  #over(key: string): void {
    if (this.#known.delete(key)) this.#onChange();
  }
}
