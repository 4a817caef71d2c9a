import { setTimeout as wait } from 'node:timers/promises';
import type { Clock } from '../core/contracts.ts';

/**
 * A clock that is never set back, and that goes on while the machine is suspended. `performance.now()` stands still
 * meanwhile, and what was proved before would count as proved just now.
 */
export function lastingClock(): Clock {
  let asleepMs = 0;
  const begun = Date.now() - performance.now();
  return {
    now() {
      const monotonic = performance.now();
      asleepMs = Math.max(asleepMs, Date.now() - begun - monotonic);
      return monotonic + asleepMs;
    },
    wait: (ms, signal) => wait(ms, undefined, { signal }),
  };
}
