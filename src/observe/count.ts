import type { Journal, Queue } from '../core/contracts.ts';
import type { HandlerStatus } from '../core/status.ts';

export interface Countable {
  readonly handlers: ReadonlyMap<string, { readonly columns: readonly string[] }>;
  readonly queues: ReadonlyMap<string, Queue>;
  readonly journal: Journal;
}

/** Every configured handler, and whatever the journal holds of others. One statement at a time: clearing needs connections, too. */
export async function countHandlers({ handlers, queues, journal }: Countable): Promise<HandlerStatus[]> {
  const counts = new Map((await journal.counts()).map((one) => [one.handler, one]));
  const all: HandlerStatus[] = [];
  for (const handler of new Set([...handlers.keys(), ...counts.keys()])) {
    const backlog = (await queues.get(handler)?.backlog()) ?? { entries: 0, lagMs: null };
    const {
      claimed = 0,
      settling = 0,
      failing = 0,
      claimedMs = null,
      settlingMs = null,
      error = null,
    } = counts.get(handler) ?? {};
    all.push({
      handler,
      configured: handlers.has(handler),
      backlog: backlog.entries,
      lagMs: Math.max(backlog.lagMs ?? 0, claimedMs ?? 0),
      claimed,
      settling,
      settlingMs,
      failing,
      error,
    });
  }
  return all;
}
