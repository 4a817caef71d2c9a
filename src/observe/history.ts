import type { HandlerStatus, Sample, SampleNumbers } from '../core/daemon-status.ts';
import type { Event } from '../core/events.ts';
import { filesOf } from './files-of.ts';

const hourMs = 3_600_000;

/** A page receives the whole hour, so it gets the numbers of at most this many handlers separately. */
const mostHandlers = 50;

/** The last hour, for the plots. */
export class History {
  readonly #all: Sample[] = [];
  readonly #kept: number;
  #cleared = new Cleared();
  readonly #byHandler = new Map<string, Cleared>();
  #names: readonly string[] = [];

  constructor(sampleMs: number) {
    this.#kept = hourMs / sampleMs;
  }

  observe(event: Event): void {
    if (event.kind !== 'batch-done' && event.kind !== 'cleared') return;
    if (event.kind === 'cleared') {
      for (const one of [this.#cleared, this.#of(event.handler)]) one.took(event.lagMs);
      return;
    }
    for (const [handler, files] of filesOf(event)) {
      for (const one of [this.#cleared, this.#of(handler)]) one.files += files;
    }
  }

  #of(handler: string): Cleared {
    const own = this.#byHandler.get(handler) ?? new Cleared();
    this.#byHandler.set(handler, own);
    return own;
  }

  /**
   * Ends the sample.
   * @param counted undefined if nothing could be counted
   */
  end(at: number, counted: readonly Pick<HandlerStatus, 'handler' | 'backlog'>[] | undefined): void {
    if (counted) this.#names = counted.map(({ handler }) => handler).slice(0, mostHandlers);
    const backlogs = new Map(counted?.map(({ handler, backlog }) => [handler, backlog]));
    const handlers = this.#names.flatMap((name): [string, SampleNumbers][] => {
      const backlog = backlogs.get(name) ?? null;
      const own = this.#byHandler.get(name);
      return backlog === 0 && own === undefined
        ? []
        : [[name, { backlog, ...(own ?? new Cleared()).numbers }]];
    });
    const backlog = sumOf(counted?.map((one) => one.backlog) ?? [null]);
    this.#all.push({ at, backlog, ...this.#cleared.numbers, handlers: Object.fromEntries(handlers) });
    if (this.#all.length > this.#kept) this.#all.shift();
    this.#cleared = new Cleared();
    this.#byHandler.clear();
  }

  since(after: number): readonly Sample[] {
    return this.#all.filter(({ at }) => at > after);
  }
}

/** What was cleared since the last sample. */
class Cleared {
  files = 0;
  #fastestMs = Number.POSITIVE_INFINITY;
  #slowestMs = Number.NEGATIVE_INFINITY;

  took(lagMs: number | null): void {
    if (lagMs === null) return;
    this.#fastestMs = Math.min(this.#fastestMs, lagMs);
    this.#slowestMs = Math.max(this.#slowestMs, lagMs);
  }

  get numbers(): Omit<SampleNumbers, 'backlog'> {
    if (!Number.isFinite(this.#fastestMs)) return { files: this.files };
    return { files: this.files, fastestMs: tenths(this.#fastestMs), slowestMs: tenths(this.#slowestMs) };
  }
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** Null if one of them is not known. */
function sumOf(backlogs: readonly (number | null)[]): number | null {
  return backlogs.reduce((sum, one) => (sum === null || one === null ? null : sum + one), 0);
}
