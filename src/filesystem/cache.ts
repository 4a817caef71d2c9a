import { resolve } from 'node:path';
import type { Cache, Cleared } from '../core/contracts.ts';
import { startApart } from './apart.ts';
import { Hand } from './hand.ts';
import { Waiting } from './waiting.ts';

export interface WatchedCache extends Cache {
  /** Before the first request, which starts it otherwise: a thread takes 50 ms, which would be at the cost of the first event. */
  start(): void;
  /** For how long the oldest part has had no answer. */
  waitingMs(): number;
}

/** Two clear nearly twice as fast as one, in memory and on disk. */
const handCount = 2;

/** Patterns cleared at a time, in some 5 ms. */
const partSize = 250;

/**
 * The cache below `root`. What is asked for is cleared in parts, by as many hands as are free, and those who ask take turns: a single
 * event does not wait for the end of a large backlog.
 * @param listing whether to tell the paths of what was deleted
 */
export function openCache(root: string, start = startApart, { listing = false } = {}): WatchedCache {
  const hands = Array.from({ length: handCount }, () => new Hand(resolve(root), start));
  const free = [...hands];
  const waiting = new Waiting();

  async function withHand(use: (hand: Hand) => Promise<void>, unhurried: boolean): Promise<void> {
    const hand = free.shift() ?? (await new Promise<Hand>((resolve) => waiting.add(resolve, unhurried)));
    try {
      await use(hand);
    } finally {
      const next = waiting.next();
      if (next) next(hand);
      else free.unshift(hand);
    }
  }

  return {
    async clear(patterns, { unhurried } = { unhurried: false }) {
      const parts = partsOf(patterns);
      const cleared: Cleared[] = [];
      let next = parts.next();
      const clearNext = async (hand: Hand) => {
        if (next.done) return;
        const clearing = hand.clear({ patterns: next.value, listing });
        // While the hand works: patterns cost time, too.
        next = parts.next();
        cleared.push(
          await clearing.catch((error) => {
            next = parts.return();
            throw error;
          }),
        );
      };
      const clearAll = async () => {
        while (!next.done) await withHand(clearNext, unhurried);
      };
      // One more than there are hands: it waits already when the next one is free, so that turns are taken among all who ask.
      await Promise.all(Array.from({ length: hands.length + 1 }, clearAll));
      return together(cleared);
    },
    start() {
      for (const hand of hands) hand.start();
    },
    waitingMs: () => Math.max(...hands.map(({ waitingMs }) => waitingMs)),
    async close() {
      await Promise.all(hands.map((hand) => hand.close()));
    },
  };
}

function* partsOf(patterns: Iterable<string>): Generator<string[], void> {
  let part: string[] = [];
  for (const pattern of patterns) {
    if (part.push(pattern) < partSize) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

function together(parts: readonly Cleared[]): Cleared {
  const paths = parts.flatMap(({ paths = [] }) => paths);
  return {
    files: parts.reduce((sum, { files }) => sum + files, 0),
    failures: parts.flatMap(({ failures }) => failures),
    ...(parts.some(({ paths }) => paths) && { paths }),
  };
}
