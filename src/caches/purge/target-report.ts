import { downSince, throttledUntil } from '../../core/consumer-problem.ts';
import type { Clock } from '../../core/contracts.ts';
import type { Observe } from '../../core/events.ts';
import type { Verdict } from './answer.ts';

interface ReportParts {
  readonly target: string;
  /** How it is called in messages. */
  readonly called: string;
  readonly clock: Pick<Clock, 'now'>;
  readonly observe: Observe;
  readonly wall?: () => number;
}

const outcomes = {
  acknowledged: 'acknowledged',
  rejected: 'refused',
  down: 'refused',
  throttled: 'throttled',
  failed: 'failed',
} as const satisfies Record<Verdict['kind'], string>;

/** What others are told of a target: each answer, for the counts, and whether it is down or asks to wait. */
export class TargetReport {
  readonly #parts: ReportParts;
  readonly #wall: () => number;
  #down: { since: number; problem: string } | undefined;
  #rests: { until: number; problem: string } | undefined;

  constructor(parts: ReportParts) {
    this.#parts = parts;
    this.#wall = parts.wall ?? Date.now;
  }

  /** Why it cannot be used at present. */
  get problem(): string | undefined {
    if (this.#down) return this.#down.problem;
    return this.#rests && this.#parts.clock.now() < this.#rests.until ? this.#rests.problem : undefined;
  }

  /** @param works how many urls or tags the request was for */
  answered({ kind }: Verdict, ms: number, works: number): void {
    const { target, observe } = this.#parts;
    observe({ kind: 'target-asked', target, outcome: outcomes[kind], ms, works });
  }

  down(why: string): void {
    const { target, called, clock, observe } = this.#parts;
    const since = this.#down?.since ?? clock.now();
    const at = this.#wall() - (clock.now() - since);
    const problem = downSince(at, why);
    this.#down = { since, problem };
    observe({ kind: 'target-down', target, text: `${called} is ${problem}` });
  }

  up(): void {
    const { target, called, clock, observe } = this.#parts;
    if (!this.#down) return;
    const ms = clock.now() - this.#down.since;
    this.#down = undefined;
    observe({ kind: 'target-up', target, called, ms });
  }

  throttled(why: string, ms: number): void {
    this.#rests = {
      until: this.#parts.clock.now() + ms,
      problem: throttledUntil(this.#wall() + ms, why),
    };
  }
}
