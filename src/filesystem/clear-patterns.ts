import { getSystemErrorMap } from 'node:util';
import { formatRootError } from '../core/disk-errors.ts';
import { errorCode, toError } from '../core/errors.ts';
import type { DeletionFailure, DeletionResult } from '../core/page-files.ts';
import { pageOfTemp } from '../core/reserved-names.ts';
import { notTheCache } from '../core/root.ts';
import { endFinder } from './end-finder.ts';
import { matcher, nameOf, textOf } from './match.ts';
import { type End, patternsOf, type TreeNode, toTree } from './pattern-tree.ts';
import { CannotRemove, type Removal, removeEntry, type What } from './remove-tree.ts';
import { type Confines, type Directory, type Name, refusal, type Walk } from './walk/directory.ts';
import { notAnsweringCode } from './walk/step-guard.ts';
import { systemWalk } from './walk/walk.ts';

export interface ClearOptions extends Confines {
  readonly removal?: Removal;
  /** Leave temps in large directories, which only a listing finds, to a second clearing (doc/design.md). */
  readonly tempsLater?: boolean;
  /** Patterns whose files are also counted separately. */
  readonly countApart?: readonly string[];
  /** Called with the number of names in each listing. */
  readonly onListed?: (names: number) => void;
}

/**
 * Deletes what the patterns match below root. It is synchronous: one thread of readdir and unlink is several
 * times faster than the promise API, so this code runs in processes of its own (file-cache.ts).
 */
export function clear(
  root: string,
  patterns: readonly string[],
  walk: Walk,
  {
    removal = removeEntry,
    tempsLater = false,
    countApart = [],
    onListed = () => {},
    ...confines
  }: ClearOptions = {},
): DeletionResult {
  const clearing = new Clearing({ removal, tempsLater, countApart, onListed });
  const open = () => walk.openRoot(root, { patterns: patterns.length, ...confines });
  clearing.walk(() => openRoot(root, open), toTree(patterns), root);
  if (clearing.refused) throw clearing.refused;
  const { files, filesApart, failures } = clearing;
  return { files, failures, ...(filesApart.size > 0 && { filesApart: Object.fromEntries(filesApart) }) };
}

/** A root that cannot be opened refuses every pattern: its pages may be back with the next mount. */
function openRoot(root: string, open: () => Directory): Directory {
  try {
    return open();
  } catch (error) {
    // It is known already that this directory does not answer, and this error says so.
    if (errorCode(error) === notAnsweringCode || errorCode(error) === notTheCache) throw error;
    throw refusal(notTheCache, formatRootError(root, error, formatError(error)));
  }
}

/** The paths below root that `clear` would delete now; a directory ends in `/`. */
export function preview(
  root: string,
  patterns: readonly string[],
  { walk = systemWalk(), ...confines }: Confines & { walk?: Walk } = {},
): { paths: string[]; failures: readonly DeletionFailure[] } {
  const paths: string[] = [];
  const removal: Removal = (directory, name, what) => {
    const kind = directory.kind(name);
    if (kind === 'directory' && what === 'file') return undefined;
    if (kind === undefined || (kind === 'other' && what === 'directory')) return 0;
    paths.push(kind === 'directory' ? `${directory.below(name)}/` : directory.below(name));
    return 1;
  };
  const { failures } = clear(root, patterns, walk, { removal, ...confines });
  return { paths: [...new Set(paths)].sort(), failures };
}

/** What to delete below a directory before the directory itself. */
type Step = Generator<Step, void>;

class Clearing {
  files = 0;
  readonly filesApart = new Map<string, number>();
  readonly failures: DeletionFailure[] = [];
  /** Something on the way was not the cache. Then nothing counts, though the rest was cleared. */
  refused: Error | undefined;
  readonly #how: Required<Omit<ClearOptions, keyof Confines>>;

  constructor(how: Required<Omit<ClearOptions, keyof Confines>>) {
    this.#how = how;
  }

  /**
   * Depth first. The steps are in a list and not on the stack, which a pattern of 2,000 components would
   * exhaust.
   */
  walk(...[open, node, path]: Parameters<Clearing['inDirectory']>): void {
    const steps = [this.inDirectory(open, node, path)];
    for (let step = steps.at(-1); step; step = steps.at(-1)) {
      const { done, value } = step.next();
      if (done) steps.pop();
      else steps.push(value);
    }
  }

  /**
   * Enters a directory and clears in it what the node asks for; a failure stops nothing outside this
   * directory.
   */
  *inDirectory(open: () => Directory | undefined, node: TreeNode, path: string): Generator<Step, void> {
    let directory: Directory | undefined;
    try {
      directory = open();
      if (!directory) return;
      this.#entries(directory, node.ends);
      for (const [name, child] of node.named ?? []) yield this.#child(directory, nameOf(name), child);
      for (const [component, child] of node.wild ?? []) {
        const matches = matcher(component);
        for (const name of this.#list(directory)) {
          if (matches(textOf(name)) && !isFileSystemsOwn(directory, name))
            yield this.#child(directory, name, child);
        }
      }
    } catch (error) {
      const refused = directory ? 'list' : 'open';
      for (const pattern of patternsOf(node)) this.#failed(pattern, path, error, refused);
    } finally {
      directory?.close();
    }
  }

  #child(directory: Directory, name: Name, node: TreeNode): Step {
    return this.inDirectory(() => directory.open(name), node, directory.below(name));
  }

  /**
   * All temps first; then the directory is listed AGAIN and pages are deleted. A writer that read before the
   * change made its temp before it too: either the first listing has the temp, or the temp has become a page
   * by the second. With one listing a page slips through in between (doc/design.md).
   */
  #entries(directory: Directory, ends: readonly End[]): void {
    if (ends.length === 0) return;
    if (!(this.#how.tempsLater && directory.isLarge())) this.#removeTemps(directory, ends);
    const wild = ends.filter((end) => end.literal === undefined);
    // A literal name needs no listing: unlink itself finds it.
    const pages: Asked[] = ends.flatMap((end) =>
      end.literal === undefined ? [] : [{ name: end.literal, ends: [end] }],
    );
    if (wild.length > 0) {
      const find = endFinder(wild);
      for (const name of this.#list(directory)) {
        const asked = find(textOf(name));
        if (asked.length > 0 && !isFileSystemsOwn(directory, name)) pages.push({ name, ends: asked });
      }
    }
    this.#removePages(directory, ends.length === 1 ? pages : orderByPattern(ends, pages));
  }

  #removeTemps(directory: Directory, ends: readonly End[]): void {
    const find = endFinder(ends.filter((end) => !end.directory));
    for (const name of this.#list(directory)) {
      const page = pageOfTemp(textOf(name));
      const asked = page === undefined ? [] : find(page);
      if (asked.length > 0) this.#remove(directory, { name, ends: asked }, 'any');
    }
  }

  /**
   * In the order of the patterns, so that the parts of a key's page are deleted one right after the other: a
   * reader sees half a page for microseconds. Directories go after all files, since one directory may contain
   * thousands of files.
   */
  #removePages(directory: Directory, pages: readonly Asked[]): void {
    const later = pages.filter((page) => isOfDirectory(page) || !this.#remove(directory, page, 'file'));
    for (const page of later) this.#remove(directory, page, isOfDirectory(page) ? 'directory' : 'any');
  }

  /** Returns whether it is finished, including by a failure. */
  #remove(directory: Directory, { name, ends }: Asked, what: What): boolean {
    if (directory.keeps(name)) return true;
    try {
      const files = this.#how.removal(directory, name, what);
      this.#count(files ?? 0, ends);
      return files !== undefined;
    } catch (error) {
      const { path, files, cause } =
        error instanceof CannotRemove ? error : { path: directory.below(name), files: 0, cause: error };
      this.#count(files, ends);
      for (const end of ends) this.#failed(end.pattern, path, cause);
      return true;
    }
  }

  /** A file that two patterns match counts for the first. */
  #count(files: number, [end]: readonly End[]): void {
    this.files += files;
    if (files === 0 || end === undefined || !this.#how.countApart.includes(end.pattern)) return;
    this.filesApart.set(end.pattern, (this.filesApart.get(end.pattern) ?? 0) + files);
  }

  #list(directory: Directory): Name[] {
    const names = directory.names();
    this.#how.onListed(names.length);
    return names;
  }

  #failed(pattern: string, path: string, thrown: unknown, refused?: DeletionFailure['refused']): void {
    if (errorCode(thrown) === notTheCache) this.refused ??= toError(thrown);
    const failure = { pattern, path, code: errorCode(thrown) ?? 'EUNKNOWN', message: formatError(thrown) };
    // Root itself: no other path is absolute.
    const whole = path.startsWith('/') && ({ whole: true } as const);
    this.failures.push({ ...failure, ...whole, ...(refused && { refused }) });
  }
}

/** An entry to delete, and the ends that match it. */
interface Asked {
  readonly name: Name;
  readonly ends: readonly End[];
}

/** Deletes only a directory of that name. */
function isOfDirectory({ ends }: Asked): boolean {
  return ends.every((end) => end.directory);
}

/** Keyed by the first end that matches them. */
function orderByPattern(ends: readonly End[], pages: Asked[]): Asked[] {
  const order = new Map(ends.map((end, nth) => [end, nth]));
  const orderOf = ({ ends: [first] }: Asked) => (first && order.get(first)) ?? 0;
  return pages.sort((one, other) => orderOf(one) - orderOf(other));
}

/**
 * Names that a file system keeps for itself at its top, owned by root and readable by no other user. A
 * wildcard does not mean them. Only these names are excluded: any other directory that cannot be read may
 * hold pages, and is reported.
 */
function isFileSystemsOwn(directory: Directory, name: Name): boolean {
  return typeof name === 'string' && systems.has(name) && directory.isOfRoot(name);
}

const systems = new Set(['lost+found', 'aquota.user', 'aquota.group', 'quota.user', 'quota.group']);

/** The system's message, without Node's path `/proc/self/fd/…`, which means nothing to an operator. */
function formatError(thrown: unknown): string {
  const errno = (thrown as { errno?: unknown }).errno;
  const known = typeof errno === 'number' ? getSystemErrorMap().get(errno) : undefined;
  return known?.[1] ?? toError(thrown).message;
}
