import { closeSync, constants, fstatSync, openSync, readlinkSync, readSync } from 'node:fs';
import { errorCode } from '../../core/errors.ts';
import { Directory, identityOf, type Name, refusals, type Walk } from './directory.ts';
import { checkFront, type Front, frontsAt } from './fronts.ts';
import { hasMountsBelow } from './mounts.ts';

/** Linux: every operation goes through the directory's handle, as /proc/PID/fd/N/name. */
export const handleWalk: Walk = {
  openRoot(root, { patterns, fronts = [], identities }) {
    const asks = patterns <= few || hasMountsBelow(root, fronts);
    // By process number: /proc/self is a symbolic link, and following it takes a twelfth of each system call.
    const handles = `/proc/${readlinkSync('/proc/self')}/fd`;
    const fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    return closedOnError(fd, () => {
      const front = frontsAt(fronts, identities);
      checkFront(front, { mounted: true, identity: identify(fd) });
      const seen = { path: '', front, mounted: false, mount: mountOf(fd) };
      return new HandleDirectory(fd, seen, { handles, asks });
    });
  },
};

const asDirectory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * Up to this many patterns, asking each directory for its mount is faster than reading the table of all
 * mounts.
 */
const few = 8;

interface Where {
  /** The directory that contains the handles of this process. */
  readonly handles: string;
  /**
   * Whether to ask each directory for its mount. Fronts are always asked; where nothing else is mounted, that
   * is enough.
   */
  readonly asks: boolean;
}

interface Seen extends Pick<Directory, 'path' | 'front' | 'mounted'> {
  /** Everything in it must be on the same mount, except fronts. */
  readonly mount: string | undefined;
}

class HandleDirectory extends Directory {
  readonly #fd: number;
  readonly #mount: string | undefined;
  readonly #where: Where;

  constructor(fd: number, seen: Seen, where: Where) {
    super(seen);
    this.#fd = fd;
    this.#mount = seen.mount;
    this.#where = where;
  }

  protected override enter(name: Name, front: Front | undefined): Directory | undefined {
    const fd = this.#openDirectory(name);
    if (fd === undefined) return undefined;
    return closedOnError(fd, () => {
      const mount = front || this.#where.asks ? mountOf(fd) : this.#mount;
      const mounted = mount !== this.#mount;
      if (mounted && !front) throw refusals.otherMount();
      if (front?.known) checkFront(front, { mounted, identity: identify(fd) });
      return new HandleDirectory(fd, { path: this.below(name), front, mounted, mount }, this.#where);
    });
  }

  override identity(): string {
    return identify(this.#fd);
  }

  override close(): void {
    closeSync(this.#fd);
  }

  protected override at(): string {
    return `${this.#where.handles}/${this.#fd}/`;
  }

  /** Opens neither a file nor a fifo, which would wait for its writer: O_DIRECTORY is checked first. */
  #openDirectory(name: Name): number | undefined {
    try {
      return openSync(this.child(name), asDirectory);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      // Linux returns ENOTDIR for a symbolic link too, not ELOOP.
      if (errorCode(error) !== 'ENOTDIR' && errorCode(error) !== 'ELOOP') throw error;
      const kind = this.kind(name);
      if (kind === 'symlink') throw refusals.symlink();
      // It has become a directory: what was requested has not been done.
      if (kind === 'directory') throw refusals.replaced(error);
      return undefined;
    }
  }
}

function identify(fd: number): string {
  return identityOf(fstatSync(fd, { bigint: true }));
}

function closedOnError<Result>(fd: number, use: () => Result): Result {
  try {
    return use();
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** A bind mount has the st_dev of what it shows; only the mount id differs. */
function mountOf(fd: number): string | undefined {
  const info = openSync(`/proc/self/fdinfo/${fd}`, constants.O_RDONLY);
  try {
    const length = readSync(info, infoText);
    return /^mnt_id:\s*(\d+)$/m.exec(infoText.toString('latin1', 0, length))?.[1];
  } finally {
    closeSync(info);
  }
}

/** This file has four lines, and more only for other kinds of file. */
const infoText = Buffer.alloc(1_024);
