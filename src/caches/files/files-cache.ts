import type { Handler } from '../../clearing/handler.ts';
import type { DeletionFailure, PageFiles } from '../../core/page-files.ts';
import { clip, longestError } from '../../core/printable-text.ts';
import type { CacheSteps, Step, TargetCache, WorkFailure } from '../../core/target-cache.ts';

/** Page files below root: one cache, which every handler clears. A work is a pattern (core/pattern.ts). */
export function filesSteps(handlers: Iterable<Handler>): CacheSteps {
  const steps = Array.from(handlers, ({ name, templates, sharedPatterns, followerOf }): [string, Step] => [
    name,
    { plans: templates, shared: sharedPatterns, followerOf },
  ]);
  return new Map([['files', new Map(steps)]]);
}

export function filesCache(files: Pick<PageFiles, 'clear'>): TargetCache {
  return {
    async clear(works, how) {
      const result = await files.clear(works, how);
      return { ...result, failures: result.failures.map(toWorkFailure) };
    },
  };
}

function toWorkFailure({ pattern, path, code, message, refused }: DeletionFailure): WorkFailure {
  return {
    work: pattern,
    error: clip(`cannot ${refused ?? 'delete'} ${path}: ${code}, ${message}`, longestError),
    code,
  };
}
