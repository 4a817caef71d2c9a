import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  type Stats,
  unlinkSync,
} from 'node:fs';
import { errorCode } from '../core/errors.ts';

/** A file name: text, or bytes where the name is not UTF-8. */
export type Name = string | Buffer;

const asDirectory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/**
 * An open directory below root. Every operation goes through its handle (/proc/self/fd/N/name), so that what was checked is
 * what is used: a component swapped for a symbolic link after the check cannot lead outside, as it can with any check by path
 * (doc/design.md has the figures).
 */
export class Directory {
  /** Below root; '' is root itself. For messages only. */
  readonly path: string;
  readonly #fd: number;
  readonly #at: string;
  /** The mount that everything must be on, where mounts lie below root. */
  readonly #mount: string | undefined;

  private constructor(fd: number, path: string, mount: string | undefined) {
    this.#fd = fd;
    this.#at = `/proc/self/fd/${fd}/`;
    this.path = path;
    this.#mount = mount;
  }

  /** Root may be a symbolic link: the operator named it. With `confineMount`, directories on other mounts are refused. */
  static openRoot(root: string, { confineMount }: { confineMount: boolean }): Directory {
    const fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
    return new Directory(fd, '', confineMount ? mountOf(fd) : undefined);
  }

  /** Returns undefined when nothing can be below that name: it does not exist, or is a file. */
  open(name: Name): Directory | undefined {
    let fd: number;
    try {
      fd = openSync(this.#child(name), asDirectory);
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      // Linux answers ENOTDIR for a symbolic link too (FACTS: not ELOOP).
      if (errorCode(error) === 'ENOTDIR' || errorCode(error) === 'ELOOP' || errorCode(error) === 'EMLINK') {
        if (this.kind(name) !== 'symlink') return undefined;
        throw refusal('ELOOP', 'is a symbolic link, which is never followed: replace it by a directory');
      }
      throw error;
    }
    if (this.#mount !== undefined && mountOf(fd) !== this.#mount) {
      closeSync(fd);
      throw refusal('EXDEV', 'is on another mount than root: leave it out of the templates');
    }
    return new Directory(fd, this.below(name), this.#mount);
  }

  names(): Name[] {
    const names: string[] = readdirSync(this.#at);
    if (!names.some((name) => name.includes('\ufffd'))) return names;
    return readdirSync(this.#at, { encoding: 'buffer' }).map((bytes) => {
      const name = bytes.toString();
      return name.includes('\ufffd') ? bytes : name;
    });
  }

  kind(name: Name): 'directory' | 'symlink' | 'other' | undefined {
    let stats: Stats;
    try {
      stats = lstatSync(this.#child(name));
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return undefined;
      throw error;
    }
    return stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'other';
  }

  unlink(name: Name): void {
    unlinkSync(this.#child(name));
  }

  rmdir(name: Name): void {
    rmdirSync(this.#child(name));
  }

  close(): void {
    closeSync(this.#fd);
  }

  /** The path below root of one of its entries, for messages. */
  below(name: Name): string {
    return this.path === '' ? String(name) : `${this.path}/${name}`;
  }

  #child(name: Name): string | Buffer {
    return typeof name === 'string' ? this.#at + name : Buffer.concat([Buffer.from(this.#at), name]);
  }
}

/** A bind mount has the st_dev of what it shows; only the mount's id tells them apart. */
function mountOf(fd: number): string | undefined {
  return /^mnt_id:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1];
}

function refusal(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
