import type { Clearing, HandlerTotals } from '../core/daemon-status.ts';
import type { Event } from '../core/events.ts';
import { filesOf } from './files-of.ts';

export const keptClearings = 20;

const nothing: HandlerTotals = { clearedEntries: 0, clearedFiles: 0, lastClearedAt: null };

/** Totals of the events since the start of the daemon. */
export class Totals {
  /** The newest first. */
  readonly clearings: Clearing[] = [];
  reconnects = 0;
  /** By the clock; undefined before the first time. */
  heardAt: number | undefined;
  readonly #totals = new Map<string, HandlerTotals>();
  readonly #now: () => number;
  readonly #wall: () => number;
  /** The next LISTEN is a start, not a reconnection. */
  #starting = true;

  constructor(now: () => number, wall: () => number) {
    this.#now = now;
    this.#wall = wall;
  }

  totals(handler: string): HandlerTotals {
    return this.#totals.get(handler) ?? nothing;
  }

  /** What was cleared before the start of the daemon, the newest first. */
  recall(earlier: readonly Clearing[]): void {
    if (this.clearings.length > 0) return;
    for (const one of earlier.slice(0, keptClearings)) this.clearings.push(one);
  }

  observe(event: Event): void {
    switch (event.kind) {
      case 'reloading':
        this.#starting = true;
        break;
      case 'heartbeat':
        this.heardAt = this.#now();
        break;
      case 'listening':
        if (!this.#starting) this.reconnects += 1;
        this.#starting = false;
        break;
      case 'batch-done':
        for (const [handler, files] of filesOf(event))
          this.#deleted(handler, files, { followed: handler !== event.handler });
        break;
      case 'cleared':
        this.#cleared(event);
    }
  }

  /** What other handlers have under `then` is cleared without an event of its own. */
  #deleted(handler: string, files: number, { followed }: { followed: boolean }): void {
    const { clearedFiles, ...rest } = this.totals(handler);
    this.#totals.set(handler, {
      ...rest,
      clearedFiles: clearedFiles + files,
      ...(followed && { lastClearedAt: this.#wall() }),
    });
  }

  #cleared({ kind, ms, ...cleared }: Event & { kind: 'cleared' }): void {
    const at = this.#wall();
    const before = this.totals(cleared.handler);
    const clearedEntries = before.clearedEntries + cleared.entries;
    this.#totals.set(cleared.handler, { ...before, clearedEntries, lastClearedAt: at });
    const id = (this.clearings[0]?.id ?? 0) + 1;
    this.clearings.unshift({ id, at, ...cleared });
    this.clearings.length = Math.min(this.clearings.length, keptClearings);
  }
}
