import type { DeletionFailure, PageFiles } from '../../core/page-files.ts';
import { clip, longestError } from '../../core/printable-text.ts';
import type { TargetCache, WorkFailure } from '../../core/target-cache.ts';

/** Page files below root. A work is a pattern (core/pattern.ts). */
export function filesCache(files: Pick<PageFiles, 'clear'>): TargetCache {
  return {
    takesHints: true,
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
