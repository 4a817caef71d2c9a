import { resolve } from 'node:path';
import type { Cache } from '../core/contracts.ts';
import type { ClearReply } from './answer.ts';
import { type Apart, startApart } from './apart.ts';

export interface WatchedCache extends Cache {
  /** For how long the oldest request has had no answer. */
  waitingMs(): number;
}

/**
 * The cache below `root`. Whatever clears it starts with the first request, which may be empty.
 * @param listing whether to tell the paths of what was deleted
 */
export function openCache(root: string, start = startApart, { listing = false } = {}): WatchedCache {
  /** In the order of asking. */
  const waiting = new Map<number, { since: number; answer: (reply: ClearReply) => void }>();
  let current: Apart | undefined;
  let lastId = 0;

  function started(): Apart {
    const apart = start(resolve(root), {
      reply: (reply) => {
        waiting.get(reply.id)?.answer(reply);
        waiting.delete(reply.id);
      },
      // Nothing that was asked of it is lost: the journal still has it, and the next request starts another. It may be told
      // more than once, and late: what waits by then was asked of its successor.
      ended: (error) => {
        if (current === apart) died(error);
      },
    });
    return apart;
  }

  function died(error: Error): void {
    current = undefined;
    const lost = [...waiting];
    waiting.clear();
    for (const [id, { answer }] of lost) answer({ id, error });
  }

  return {
    clear(patterns) {
      return new Promise((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, {
          since: performance.now(),
          answer: ({ cleared, error }) => (cleared ? resolve(cleared) : reject(error)),
        });
        current ??= started();
        current.post({ id, patterns, listing });
      });
    },
    waitingMs() {
      const [oldest] = waiting.values();
      return oldest ? performance.now() - oldest.since : 0;
    },
    async close() {
      await current?.end();
    },
  };
}
