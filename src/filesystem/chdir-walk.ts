import { type BigIntStats, lstatSync } from 'node:fs';
import { errorCode } from '../core/errors.ts';
import { Directory, type Name, refusal, refusals, type Walk } from './directory.ts';

/**
 * Systems without /proc/self/fd: the working directory is the handle. It belongs to the whole process, so that this walk needs one
 * of its own, and a single thread.
 *
 * chdir may follow a symbolic link that was swapped in after the look at the name. Nothing is done there: only where '.' is the very
 * inode that was looked at does anything go on, and from then on it is that directory whatever its name is made to mean.
 */
export const chdirWalk: Walk = {
  openRoot(root) {
    home = whereWeAre();
    process.chdir(root);
    standing = new ChdirDirectory({ path: '', parent: undefined, by: root, seen: look('.') });
    return standing;
  },
};

/** The directory that is known to be '.'; undefined when it is lost, or none is open. */
let standing: ChdirDirectory | undefined;

/** Where to be when nothing is open, so that root can be unmounted and nobody else is disturbed. */
let home = '/';

interface Place {
  readonly path: string;
  readonly parent: ChdirDirectory | undefined;
  /** Its name in the parent; root's path. */
  readonly by: string;
  readonly seen: BigIntStats | undefined;
}

class ChdirDirectory extends Directory {
  readonly #parent: ChdirDirectory | undefined;
  readonly #by: string;
  readonly #seen: BigIntStats | undefined;

  constructor({ path, parent, by, seen }: Place) {
    super(path);
    this.#parent = parent;
    this.#by = by;
    this.#seen = seen;
  }

  override open(name: Name): Directory | undefined {
    const at = this.child(name);
    const seen = look(at);
    if (seen?.isSymbolicLink()) throw refusals.symlink();
    if (!seen?.isDirectory()) return undefined;
    if (seen.dev !== this.#seen?.dev) throw refusals.otherMount();
    if (typeof at !== 'string' || typeof name !== 'string')
      throw refusal(
        'EILSEQ',
        'has a name that is not UTF-8, and cannot be entered on this system: remove it',
      );
    const child = new ChdirDirectory({ path: this.below(name), parent: this, by: name, seen });
    try {
      child.#arrive(at);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    if (standing !== child) throw refusals.replaced();
    return child;
  }

  override close(): void {
    if (this.#parent === undefined) goHome();
    else if (standing === this) this.#parent.#return();
  }

  /** Where '..' was not the parent, the way is taken again from root, by name, with the same comparison at every step. */
  protected override at(): string {
    if (standing === this) return './';
    const lineage: ChdirDirectory[] = [];
    for (let each: ChdirDirectory | undefined = this; each; each = each.#parent) lineage.unshift(each);
    for (const each of lineage) {
      try {
        each.#arrive(each.#by);
      } catch (error) {
        standing = undefined;
        // Never ENOENT: that would pass for "gone already".
        throw refusals.replaced(error);
      }
      if (standing !== each) throw refusals.replaced();
    }
    return './';
  }

  #return(): void {
    try {
      this.#arrive('..');
    } catch {
      // Removed below us, and some systems know no way back from there; the next operation finds one, or is refused.
      standing = undefined;
    }
  }

  /** If chdir throws, we are where we were. Otherwise we stand here, or are lost. */
  #arrive(by: string): void {
    process.chdir(by);
    standing = undefined;
    const here = look('.');
    if (here !== undefined && here.dev === this.#seen?.dev && here.ino === this.#seen.ino) standing = this;
  }
}

function look(path: string | Buffer): BigIntStats | undefined {
  return lstatSync(path, { bigint: true, throwIfNoEntry: false });
}

function whereWeAre(): string {
  try {
    return process.cwd();
  } catch {
    return '/';
  }
}

function goHome(): void {
  standing = undefined;
  try {
    process.chdir(home);
  } catch {
    process.chdir('/');
  }
}
