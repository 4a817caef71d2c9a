import type { Cleared } from '../core/contracts.ts';
import { toError } from '../core/errors.ts';
import { clear } from './clear.ts';
import type { Walk } from './directory.ts';

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

export function answer({ id, patterns }: ClearRequest, root: string, walk: Walk): ClearReply {
  try {
    return { id, cleared: clear(root, patterns, walk) };
  } catch (error) {
    return { id, error: toError(error) };
  }
}
