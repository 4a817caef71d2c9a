import { explain } from '../core/errors.ts';
import type { Event } from '../core/events.ts';
import type { Clearing, HandlerTotals } from '../core/status.ts';

const keptClearings = 20;

const nothing: HandlerTotals = { entries: 0, files: 0, clearedAt: null };

/** What the events come to since the start of the daemon. */
export class Numbers {
  /** The newest first. */
  readonly clearings: Clearing[] = [];
  reconnects = 0;
  /** By the clock; undefined before the first time. */
  heardAt: number | undefined;
  /** Why notifications are not known to be heard, and since when by the clock. */
  deaf: { readonly why: string; readonly since: number } | undefined;
  readonly #totals = new Map<string, HandlerTotals>();
  readonly #now: () => number;
  readonly #wall: () => number;
  /** The next LISTEN is a start, not a reconnection. */
  #starting = true;

  constructor(now: () => number, wall: () => number) {
    this.#now = now;
    this.#wall = wall;
    this.#deafen('it is starting');
  }

  totals(handler: string): HandlerTotals {
    return this.#totals.get(handler) ?? nothing;
  }

  observe(event: Event): void {
    switch (event.kind) {
      case 'reloading':
        this.#starting = true;
        this.#deafen(`it is starting over: ${event.why}`);
        break;
      case 'connecting':
      case 'listener-lost':
        this.#deafen(explain(event.error));
        break;
      case 'stopping':
        this.#deafen('it is stopping');
        break;
      case 'heartbeat':
        this.heardAt = this.#now();
        this.deaf = undefined;
        break;
      case 'listening':
        if (!this.#starting) this.reconnects += 1;
        this.#starting = false;
        break;
      case 'tried': {
        const { files, ...rest } = this.totals(event.handler);
        this.#totals.set(event.handler, { ...rest, files: files + event.files });
        break;
      }
      case 'cleared':
        this.#cleared(event);
    }
  }

  #cleared({ handler, entries, keys, examples, files, lagMs }: Event & { kind: 'cleared' }): void {
    const at = this.#wall();
    const before = this.totals(handler);
    this.#totals.set(handler, { ...before, entries: before.entries + entries, clearedAt: at });
    const id = (this.clearings[0]?.id ?? 0) + 1;
    this.clearings.unshift({ id, at, handler, entries, keys, examples, files, lagMs });
    this.clearings.length = Math.min(this.clearings.length, keptClearings);
  }

  #deafen(why: string): void {
    this.deaf = { why, since: this.deaf?.since ?? this.#now() };
  }
}
