import { getSystemErrorMap } from 'node:util';
import type { Cleared, ClearFailure } from '../core/contracts.ts';
import { errorCode, toError } from '../core/errors.ts';
import { marker, newMarker, pageOfTemp } from '../core/hidden.ts';
import type { Directory, Name, Walk } from './directory.ts';
import { matcher, nameOf, textOf } from './match.ts';
import { type Removal, removeEntry } from './remove.ts';
import { CannotRemove } from './remove-tree.ts';
import { type End, patternsOf, type TreeNode, toTree } from './tree.ts';
import { systemWalk } from './walk.ts';

/**
 * Deletes what the patterns match below root. Synchronous: one thread of readdir and unlink beats the promise API several
 * times over, so it belongs in threads or children of its own (cache.ts).
 */
export function clear(
  root: string,
  patterns: readonly string[],
  walk: Walk,
  removal: Removal = removeEntry,
): Cleared {
  const clearing = new Clearing(removal);
  // A root that is missing throws, and so fails every pattern: its pages may be back with the next mount.
  clearing.walk(() => walk.openRoot(root, patterns.length), toTree(patterns), root);
  return { files: clearing.files, failures: clearing.failures };
}

/** The paths below root that `clear` would delete now; a directory ends in `/`. */
export function preview(
  root: string,
  patterns: readonly string[],
  walk = systemWalk(),
): { paths: string[]; failures: readonly ClearFailure[] } {
  const paths: string[] = [];
  const { failures } = clear(root, patterns, walk, (directory, name, directoryOnly) => {
    const kind = directory.kind(name);
    if (kind === undefined || (directoryOnly && kind === 'other')) return 0;
    paths.push(kind === 'directory' ? `${directory.below(name)}/` : directory.below(name));
    return 1;
  });
  return { paths: [...new Set(paths)].sort(), failures };
}

/** What is to be done below a directory before it goes on itself. */
type Step = Generator<Step, void>;

class Clearing implements Cleared {
  files = 0;
  readonly failures: ClearFailure[] = [];
  readonly #removal: Removal;

  constructor(removal: Removal) {
    this.#removal = removal;
  }

  /** Depth first. The steps stand in a list and not on the stack, which a pattern of 2,000 components would exhaust. */
  walk(...[open, node, path]: Parameters<Clearing['inDirectory']>): void {
    const steps = [this.inDirectory(open, node, path)];
    for (let step = steps.at(-1); step; step = steps.at(-1)) {
      const { done, value } = step.next();
      if (done) steps.pop();
      else steps.push(value);
    }
  }

  /** Enters a directory and clears in it what the node asks for; whatever fails stops nothing beside it. */
  *inDirectory(open: () => Directory | undefined, node: TreeNode, path: string): Generator<Step, void> {
    let directory: Directory | undefined;
    try {
      directory = open();
      if (!directory) return;
      this.#entries(directory, node.ends);
      for (const [name, child] of node.named ?? []) yield this.#child(directory, nameOf(name), child);
      for (const [component, child] of node.wild ?? []) {
        const matches = matcher(component);
        for (const name of directory.names()) {
          if (matches(textOf(name))) yield this.#child(directory, name, child);
        }
      }
    } catch (error) {
      for (const pattern of patternsOf(node)) this.#failed(pattern, path, error);
    } finally {
      directory?.close();
    }
  }

  #child(directory: Directory, name: Name, node: TreeNode): Step {
    return this.inDirectory(() => directory.open(name), node, directory.below(name));
  }

  /**
   * Temps first, to the end; then the directory is listed AGAIN and pages go. A writer that read before the change has made its
   * temp before: either the first listing has it, or it has become a page by the second. With one listing a page slips between
   * (doc/design.md).
   */
  #entries(directory: Directory, ends: readonly End[]): void {
    if (ends.length === 0) return;
    const first = directory.names();
    for (const name of first) {
      const page = pageOfTemp(textOf(name));
      if (page === undefined) continue;
      const asked = ends.filter((end) => !end.directory && end.matches(page));
      this.#remove(directory, name, asked);
    }
    // A literal name needs no second listing: unlink itself finds it.
    for (const end of ends) if (end.literal !== undefined) this.#remove(directory, end.literal, [end]);
    const wild = ends.filter((end) => end.literal === undefined);
    if (wild.length === 0) return;
    for (const name of directory.names()) {
      const text = textOf(name);
      this.#remove(
        directory,
        name,
        wild.filter((end) => end.matches(text)),
      );
    }
  }

  #remove(directory: Directory, name: Name, asked: readonly End[]): void {
    if (asked.length === 0 || isMarker(directory, name)) return;
    try {
      const directoryOnly = asked.every((end) => end.directory);
      this.files += this.#removal(directory, name, directoryOnly);
    } catch (error) {
      const { path, files, cause } =
        error instanceof CannotRemove ? error : { path: directory.below(name), files: 0, cause: error };
      this.files += files;
      for (const end of asked) this.#failed(end.pattern, path, cause);
    }
  }

  #failed(pattern: string, path: string, thrown: unknown): void {
    this.failures.push({ pattern, path, code: errorCode(thrown) ?? 'EUNKNOWN', message: inWords(thrown) });
  }
}

/** Without it nobody knows after a crash of the machine that deleted pages may be back. */
function isMarker(directory: Directory, name: Name): boolean {
  return directory.path === '' && (name === marker || name === newMarker);
}

/** What the system says, without Node's `/proc/self/fd/…` path that means nothing to an operator. */
function inWords(thrown: unknown): string {
  const errno = (thrown as { errno?: unknown }).errno;
  const known = typeof errno === 'number' ? getSystemErrorMap().get(errno) : undefined;
  return known?.[1] ?? toError(thrown).message;
}
