import { errorCode } from '../../core/errors.ts';
import type { PageFiles } from '../../core/page-files.ts';
import { notTheCache } from '../../core/root.ts';

/** What knows whether root is the cache (root-guard.ts). */
interface RootVerifier {
  /**
   * Resolves with the identities that root and its mounts must have, as soon as they are known; rejects when
   * waiting is over.
   */
  verified(): Promise<Readonly<Record<string, string>>>;
  /** Called when a request met something else. */
  recheck(): void;
}

/**
 * How often a request is repeated at once. After that the error is thrown, and the caller comes back later.
 */
const mostTries = 3;

/**
 * The cache, used only while it is known to be the cache. A request that meets something else, such as the
 * empty directory of a file system that is not mounted, has done nothing. It waits until the cache is back
 * and is repeated, so no row counts as cleared and none as failing.
 */
export function verifiedCache(cache: PageFiles, root: RootVerifier): PageFiles {
  return {
    ...cache,
    async clear(patterns, how) {
      for (let tries = 1; ; tries++) {
        const identities = await root.verified();
        try {
          return await cache.clear(patterns, { ...how, identities });
        } catch (error) {
          if (errorCode(error) !== notTheCache) throw error;
          root.recheck();
          if (tries === mostTries) throw error;
        }
      }
    },
  };
}
