import type { Handler } from '../../clearing/handler.ts';
import type { DeletionFailure, PageFiles } from '../../core/page-files.ts';
import { escapeData } from '../../core/pattern.ts';
import type { Marker } from '../../core/root.ts';
import { everythingOf } from './files-steps.ts';

/** Whether a pattern, or its beginning, names a path below root (filesystem/match.ts). */
export type PatternCovers = (pattern: string, page: { path: string; isDirectory: boolean }) => boolean;

export interface WipeResult {
  readonly files: number;
  /** What must be retried, alone: the pages around it are fresh by then. */
  readonly left: Marker['left'];
  readonly failures: readonly DeletionFailure[];
}

/**
 * Clears everything that any template could name, whatever the key; or the part of it that an earlier wipe
 * has left.
 */
export async function wipe(
  clear: PageFiles['clear'],
  handlers: Iterable<Handler>,
  { covers, of }: { covers: PatternCovers; of: Marker['left'] },
): Promise<WipeResult> {
  const all = everythingOf(handlers);
  const patterns = of === 'all' ? all : of.flatMap((path) => narrowToPath(path, all, covers));
  const { files, failures: met } = await clear(patterns);
  const failures = met.filter(({ path, whole }) => whole || !isLostAndFound(path));
  const paths = [...new Set(failures.map(({ path }) => path))];
  // Where all that a pattern names has failed, the path does not name it. Nor does the escaped form in which a
  // name that is not UTF-8 is shown.
  const tellable =
    paths.length <= mostPaths && !failures.some(({ path, whole }) => whole || path.includes('\\x'));
  return { files, failures, left: tellable ? paths : 'all' };
}

/** With more paths than this, the next wipe clears everything. */
const mostPaths = 1_000;

/** Where a file system puts recovered files. A wildcard matches it, but no template means it. */
function isLostAndFound(path: string): boolean {
  return /(^|\/)lost\+found$/.test(path);
}

/** The patterns with the path in place of their beginning, so that nothing else is cleared. */
function narrowToPath(path: string, patterns: readonly string[], covers: PatternCovers): string[] {
  const literal = path.split('/').map(escapeData);
  return patterns.flatMap((pattern) => {
    const directory = pattern.endsWith('/');
    const components = (directory ? pattern.slice(0, -1) : pattern).split('/');
    const shared = Math.min(components.length, literal.length);
    const beginning = components.slice(0, shared).join('/');
    const above = path.split('/').slice(0, shared).join('/');
    if (!covers(beginning, { path: above, isDirectory: true })) return [];
    const narrowed = [...literal, ...components.slice(literal.length)].join('/');
    return [directory && components.length >= literal.length ? `${narrowed}/` : narrowed];
  });
}
