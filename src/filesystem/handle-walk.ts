import { closeSync, constants, openSync, readlinkSync, readSync } from 'node:fs';
import { errorCode } from '../core/errors.ts';
import { Directory, type Name, refusals, type Walk } from './directory.ts';
import { hasMountsBelow } from './mounts.ts';

/** Linux: every operation goes through the directory's handle, as /proc/PID/fd/N/name. */
export const handleWalk: Walk = {
  openRoot(root, patterns) {
    const confineMount = patterns <= few || hasMountsBelow(root);
    const fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    return new HandleDirectory(fd, '', {
      // By its number: /proc/self is a symbolic link, and to follow it is a twelfth of each system call.
      handles: `/proc/${readlinkSync('/proc/self')}/fd`,
      mount: confineMount ? mountOf(fd) : undefined,
    });
  },
};

const asDirectory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** For so many patterns it is faster to ask each directory for its mount than to read the table of all mounts. */
const few = 8;

interface Where {
  /** The directory in which this process has its handles. */
  readonly handles: string;
  /** The mount that everything must be on; undefined where nothing is mounted below root. */
  readonly mount: string | undefined;
}

class HandleDirectory extends Directory {
  readonly #fd: number;
  readonly #where: Where;

  constructor(fd: number, path: string, where: Where) {
    super(path);
    this.#fd = fd;
    this.#where = where;
  }

  override open(name: Name): Directory | undefined {
    const fd = this.#openDirectory(name);
    if (fd === undefined) return undefined;
    const { mount } = this.#where;
    try {
      if (mount !== undefined && mountOf(fd) !== mount) throw refusals.otherMount();
    } catch (error) {
      closeSync(fd);
      throw error;
    }
    return new HandleDirectory(fd, this.below(name), this.#where);
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
      // Linux answers ENOTDIR for a symbolic link too, and not ELOOP.
      if (errorCode(error) !== 'ENOTDIR' && errorCode(error) !== 'ELOOP') throw error;
      const kind = this.kind(name);
      if (kind === 'symlink') throw refusals.symlink();
      // A directory by now: what was asked for has not been done.
      if (kind === 'directory') throw refusals.replaced(error);
      return undefined;
    }
  }
}

/** A bind mount has the st_dev of what it shows; only the mount's id tells them apart. */
function mountOf(fd: number): string | undefined {
  const info = openSync(`/proc/self/fdinfo/${fd}`, constants.O_RDONLY);
  try {
    const length = readSync(info, told);
    return /^mnt_id:\s*(\d+)$/m.exec(told.toString('latin1', 0, length))?.[1];
  } finally {
    closeSync(info);
  }
}

/** Four lines, and nothing more for a directory. */
const told = Buffer.alloc(1_024);
