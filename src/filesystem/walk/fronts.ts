import { errorCode } from '../../core/errors.ts';
import { refusals } from './directory.ts';

/**
 * A directory that a template names in the administrator's own words, and root itself: it may be a mount of
 * its own. A directory that is reached by data or a wildcard may not, even if a key value is the name of a
 * mounted directory.
 */
export interface Front {
  /** Below root; '' is root. */
  readonly path: string;
  readonly below: ReadonlyMap<string, Front>;
  /** The directory that it must be, where it is root or a mount of its own and its identity is known. */
  readonly identity: string | undefined;
  /** Whether identities are known at all. */
  readonly known: boolean;
}

/** By path below root: the device and inode of root and of each front that is a mount. */
export type Identities = Readonly<Record<string, string>>;

/** Paths below root, each with the directories on its way. */
export function frontsAt(paths: Iterable<string>, identities?: Identities): Front {
  const growing = (path: string): Growing => ({
    path,
    below: new Map(),
    identity: identities?.[path],
    known: identities !== undefined,
  });
  const root = growing('');
  for (const path of paths) {
    let at = root;
    for (const component of path.split('/')) {
      const next = at.below.get(component) ?? growing(at === root ? component : `${at.path}/${component}`);
      at.below.set(component, next);
      at = next;
    }
  }
  return root;
}

interface Growing extends Front {
  readonly below: Map<string, Growing>;
}

/** Throws if the open directory is not the front whose marker was read. */
export function checkFront(
  front: Front,
  { mounted, identity }: { mounted: boolean; identity: string },
): void {
  if (!front.known || (front.identity === undefined && !mounted)) return;
  if (front.identity !== identity) throw refusals.notTheCache(front.path);
}

/** A wildcard below a file system that is not mounted has not searched the cache. */
export function checkListed({ below }: Front, names: readonly unknown[]): void {
  for (const [name, { identity, path }] of below)
    if (identity !== undefined && !names.includes(name)) throw refusals.notTheCache(path);
}

/** Opens a front by name. Where a file system must be mounted, a missing directory or a link is an error. */
export function openFront<Result>(
  front: Front | undefined,
  open: () => Result | undefined,
): Result | undefined {
  try {
    const result = open();
    if (result === undefined && front?.identity !== undefined) throw refusals.notTheCache(front.path);
    return result;
  } catch (error) {
    if (front?.identity !== undefined && errorCode(error) === 'ELOOP') throw refusals.notTheCache(front.path);
    throw error;
  }
}
