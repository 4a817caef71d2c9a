import type { Means } from '../../src/clearing/clearing.ts';
import { parseHandlers } from '../../src/clearing/handler.ts';
import { InHand } from '../../src/clearing/in-hand.ts';
import type { Cache, Journal } from '../../src/core/contracts.ts';

interface World {
  readonly journal: Partial<Journal>;
  readonly cache: Cache;
  readonly now: () => number;
  readonly inHand?: InHand;
}

/** The means to clear for one handler, `page`, whose pages are named by their key; nothing is told to anyone. */
export function meansOf({ journal, cache, now, inHand = new InHand() }: World): Means {
  const { handlers } = parseHandlers([{ name: 'page', queue: 'q', clear: ['{id}'], followers: [] }]);
  return {
    handlers,
    journal: journal as Journal,
    cache,
    run: async () => {},
    clock: { now, wait: () => Promise.reject(new Error('nobody waits here')) },
    observe: () => {},
    onFailed: () => {},
    inHand,
  };
}
