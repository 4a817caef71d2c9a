import type { Handler } from '../../clearing/handler.ts';
import { toError } from '../../core/errors.ts';
import type { CacheSteps, Step, TargetCache } from '../../core/target-cache.ts';
import type { RunCommand } from './command.ts';

/**
 * Programs that handlers run: a cache for each of these handlers, since a program may take its whole time-out
 * each time, and the others must not wait for it. A work is a program with its arguments, blanks between them.
 */
export function commandSteps(handlers: Iterable<Handler>): CacheSteps {
  const caches = new Map<string, Map<string, Step>>();
  for (const { name, commands } of handlers) {
    if (commands.length === 0) continue;
    const shared = commands.map((command) => command.join(' '));
    caches.set(name, new Map([[name, { plans: [], shared, followerOf: new Map() }]]));
  }
  return caches;
}

/** After the first that fails, no other is run: they are run in order. */
export function commandCache(run: RunCommand): TargetCache {
  return {
    async clear(works) {
      for (const work of [...works].flat()) {
        try {
          await run(work.split(' '));
        } catch (error) {
          return { files: 0, failures: [{ work, error: toError(error).message }] };
        }
      }
      return { files: 0, failures: [] };
    },
  };
}
