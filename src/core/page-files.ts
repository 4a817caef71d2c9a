/** Page files below a root. filesystem/ implements it; tests can break it. */

export interface PageFiles {
  /**
   * Deletes what the patterns (core/pattern.ts) match below root. A file that is already gone is a success;
   * one that cannot be deleted is reported and stops nothing else. The iterable is read in parts; a list in
   * it stays together, as the parts of a page must. Rejects with EROOT (core/root.ts), and nothing counts as
   * done, if root is not what it must be; the caller then repeats it, so it must allow a second iteration.
   */
  clear(patterns: Iterable<string | readonly string[]>, how?: DeletionRequirements): Promise<DeletionResult>;
  close(): Promise<void>;
}

interface DeletionRequirements {
  /** Other requests go first, though not for ever. */
  readonly background?: boolean;
  /** It is sure to be cleared again when settled: the temps of large directories may wait until then. */
  readonly secondFollows?: boolean;
  /** Patterns whose files are also counted separately. */
  readonly countApart?: readonly string[];
  /** The identities that root and each mount below it must have. */
  readonly identities?: Readonly<Record<string, string>>;
}

export interface DeletionResult {
  readonly files: number;
  /** How many of them were deleted for a pattern that is counted separately. */
  readonly filesApart?: Readonly<Record<string, number>>;
  readonly failures: readonly DeletionFailure[];
  /** What was deleted, below root, a directory as one; only on request. */
  readonly paths?: readonly string[];
}

export interface DeletionFailure {
  /** The pattern that matched it, as given. */
  readonly pattern: string;
  /** Where it was met, for messages: below root, or root itself as an absolute path. */
  readonly path: string;
  /** It concerns all that the pattern names, and not only what is at the path. */
  readonly whole?: true;
  readonly code: string;
  readonly message: string;
  /** What failed: opening or reading it, so that nothing in it was deleted; absent: deleting. */
  readonly refused?: 'open' | 'list';
}
