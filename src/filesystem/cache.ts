import { Worker } from 'node:worker_threads';
import type { Cache, Cleared } from '../core/contracts.ts';

export interface ClearRequest {
  readonly id: number;
  readonly patterns: readonly string[];
}

export interface ClearReply {
  readonly id: number;
  readonly cleared?: Cleared;
  /** A fault of ours: failures of files are part of `cleared`. */
  readonly error?: Error;
}

/**
 * The cache below `root`, cleared in a thread of its own so that a large deletion never keeps the listener from hearing. The thread
 * starts with the first request, which may be empty.
 */
export function openCache(root: string): Cache {
  const waiting = new Map<number, (reply: ClearReply) => void>();
  let thread: Worker | undefined;
  let lastId = 0;

  function start(): Worker {
    const started = new Worker(new URL('./thread.js', import.meta.url), { workerData: root });
    started.on('message', (reply: ClearReply) => {
      waiting.get(reply.id)?.(reply);
      waiting.delete(reply.id);
    });
    // Nothing that was asked of a dead thread is lost: the journal still has it, and the next request starts another thread.
    started.on('error', (error) =>
      died(new Error('Cannot clear: the clearing thread died', { cause: error })),
    );
    started.on('exit', () => died(new Error('Cannot clear: the clearing thread has ended')));
    return started;
  }

  function died(error: Error): void {
    thread = undefined;
    for (const [id, answer] of waiting) answer({ id, error });
    waiting.clear();
  }

  return {
    clear(patterns) {
      return new Promise((resolve, reject) => {
        const id = ++lastId;
        waiting.set(id, ({ cleared, error }) => (cleared ? resolve(cleared) : reject(error)));
        thread ??= start();
        thread.postMessage({ id, patterns } satisfies ClearRequest);
      });
    },
    async close() {
      await thread?.terminate();
    },
  };
}
