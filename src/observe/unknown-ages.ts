import type { HandlerStatus } from '../core/daemon-status.ts';
import type { Event } from '../core/events.ts';

interface Seen {
  readonly at: number;
  readonly backlog: number;
  /** Entries that had left the queue by then. */
  readonly left: number;
}

/**
 * How long entries of unknown age have waited, at least: since a count, until as many have left the queue as
 * there were then. So a long backlog that shrinks is no alert, and one that does not move is. Whether they
 * still wait is known only at a count: since then they may have left, by this daemon or another.
 */
export class UnknownAges {
  readonly #seen = new Map<string, Seen>();
  readonly #left = new Map<string, number>();
  #countedAt = 0;

  observe(event: Event): void {
    if (event.kind !== 'cleared' && event.kind !== 'clear-failed') return;
    const entries = event.failedKeys + (event.kind === 'cleared' ? event.entries : 0);
    this.#left.set(event.handler, (this.#left.get(event.handler) ?? 0) + entries);
  }

  /** A count was made. */
  counted(handlers: readonly HandlerStatus[], at: number): void {
    this.#countedAt = at;
    for (const { handler, backlog, lagMs } of handlers) {
      const left = this.#left.get(handler) ?? 0;
      if (lagMs !== null || backlog === 0) this.#seen.delete(handler);
      else if (this.#isOver(handler, left)) this.#seen.set(handler, { at, backlog: backlog ?? 0, left });
    }
  }

  /** The same handlers, with the time that was known at the last count. */
  judge(handlers: readonly HandlerStatus[]): HandlerStatus[] {
    return handlers.map((one) => {
      const since = this.#seen.get(one.handler)?.at;
      if (one.lagMs !== null || since === undefined) return one;
      return { ...one, lagAtLeastMs: Math.max(one.lagAtLeastMs, this.#countedAt - since) };
    });
  }

  #isOver(handler: string, left: number): boolean {
    const seen = this.#seen.get(handler);
    return seen === undefined || left - seen.left >= Math.max(1, seen.backlog);
  }
}
