import { type BigIntStats, lstatSync } from 'node:fs';
import { errorCode } from '../../core/errors.ts';
import { Directory, identityOf, type Name, refusal, refusals, type Walk } from './directory.ts';
import { checkFront, type Front, frontsAt } from './fronts.ts';

/**
 * For systems without /proc/self/fd: the working directory is the handle. It belongs to the whole process, so
 * this walk needs a process of its own, with a single thread.
 *
 * chdir may follow a symbolic link that was swapped in after the name was examined. The walk does nothing
 * there: it goes on only if '.' is the very inode that it examined, and from then on '.' is that directory,
 * whatever its name is made to mean.
 */
export const chdirWalk: Walk = {
  openRoot(root, { fronts = [], identities }) {
    home = whereWeAre();
    process.chdir(root);
    const front = frontsAt(fronts, identities);
    standing = new ChdirDirectory({
      path: '',
      front,
      mounted: false,
      parent: undefined,
      by: root,
      seen: look('.'),
    });
    try {
      checkFront(front, { mounted: true, identity: standing.identity() });
    } catch (error) {
      goHome();
      throw error;
    }
    return standing;
  },
};

/** The directory that is known to be '.'; undefined when it is lost, or none is open. */
let standing: ChdirDirectory | undefined;

/**
 * Where to be when nothing is open, so that root can be unmounted and the process holds no other directory
 * busy.
 */
let home = '/';

interface Place extends Pick<Directory, 'path' | 'front' | 'mounted'> {
  readonly parent: ChdirDirectory | undefined;
  /** Its name in the parent; for root, its path. */
  readonly by: string;
  readonly seen: BigIntStats | undefined;
}

class ChdirDirectory extends Directory {
  readonly #parent: ChdirDirectory | undefined;
  readonly #by: string;
  readonly #seen: BigIntStats | undefined;

  constructor({ parent, by, seen, ...place }: Place) {
    super(place);
    this.#parent = parent;
    this.#by = by;
    this.#seen = seen;
  }

  override identity(): string {
    if (!this.#seen) throw refusals.replaced();
    return identityOf(this.#seen);
  }

  protected override enter(name: Name, front: Front | undefined): Directory | undefined {
    const at = this.child(name);
    const seen = look(at);
    if (seen?.isSymbolicLink()) throw refusals.symlink();
    if (!seen?.isDirectory()) return undefined;
    const mounted = seen.dev !== this.#seen?.dev;
    if (mounted && !front) throw refusals.otherMount();
    if (typeof at !== 'string' || typeof name !== 'string')
      throw refusal(
        'EILSEQ',
        'has a name that is not UTF-8, and cannot be entered on this system: remove it',
      );
    const child = new ChdirDirectory({
      path: this.below(name),
      front,
      mounted,
      parent: this,
      by: name,
      seen,
    });
    try {
      child.#arrive(at);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    if (standing !== child) throw refusals.replaced();
    if (front) {
      try {
        checkFront(front, { mounted, identity: child.identity() });
      } catch (error) {
        child.close();
        throw error;
      }
    }
    return child;
  }

  override close(): void {
    if (this.#parent === undefined) goHome();
    else if (standing === this) this.#parent.#return();
  }

  /**
   * If '..' is not the parent, the walk goes down again from root, by name, with the same comparison at every
   * step.
   */
  protected override at(): string {
    if (standing === this) return './';
    const lineage: ChdirDirectory[] = [];
    for (let each: ChdirDirectory | undefined = this; each; each = each.#parent) lineage.unshift(each);
    for (const each of lineage) {
      try {
        each.#arrive(each.#by);
      } catch (error) {
        standing = undefined;
        // Never ENOENT: that would count as "already gone".
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
      // The working directory was removed, and some systems have no way back from there; the next operation
      // finds one, or fails.
      standing = undefined;
    }
  }

  /** If chdir throws, the working directory is unchanged. Otherwise it is this directory, or unknown. */
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
