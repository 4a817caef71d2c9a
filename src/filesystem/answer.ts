import type { Cleared } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import { clear } from './clear.ts';
import type { Walk } from './directory.ts';
import { removeEntry } from './remove.ts';

export interface ClearRequest {
  readonly patterns: readonly string[];
  /** Whether to tell what was deleted. */
  readonly listing: boolean;
}

export interface ClearReply {
  readonly cleared?: Cleared;
  /** A fault of ours: failures of files are part of `cleared`. */
  readonly error?: Error;
}

export function answer({ patterns, listing }: ClearRequest, root: string, walk: Walk): ClearReply {
  try {
    if (!listing) return { cleared: clear(root, patterns, walk) };
    const paths: string[] = [];
    const cleared = clear(root, patterns, walk, (directory, name, directoryOnly) => {
      const files = removeEntry(directory, name, directoryOnly);
      if (files > 0) paths.push(directory.below(name));
      return files;
    });
    return { cleared: { ...cleared, paths } };
  } catch (error) {
    return { error: toError(error) };
  }
}
