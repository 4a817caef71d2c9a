import type { ClearingContext, ClearingParts } from '../../src/clearing/clear-rows.ts';
import { parseHandlers } from '../../src/clearing/handler.ts';
import { InFlight } from '../../src/clearing/in-flight.ts';
import type { Cache, Journal } from '../../src/core/contracts.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { Wakeup } from '../../src/core/wakeup.ts';

interface World {
  readonly journal: Partial<Journal>;
  readonly cache: Cache;
  readonly now: () => number;
}

/** The parts that clear for one handler, `page`. The pages are named by their key. Events go nowhere. */
export function partsOf({ journal, cache, now }: World): ClearingParts {
  const { handlers } = parseHandlers([{ name: 'page', queue: 'q', clear: ['{id}'], followers: [] }]);
  return {
    handlers,
    journal: journal as Journal,
    cache,
    run: async () => {},
    clock: { now, wait: () => Promise.reject(new Error('nobody waits here')) },
    observe: () => {},
    timings: usualTimings,
  };
}

/** The same for the levels below the pipeline: everything in turn. */
export function contextOf(world: World): ClearingContext {
  return { ...partsOf(world), inFlight: new InFlight(), lanes: new Map(), retries: new Wakeup() };
}
