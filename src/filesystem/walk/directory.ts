import { accessSync, constants, lstatSync, openSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { decode, readable } from '../../core/bytes.ts';
import { errorCode } from '../../core/errors.ts';
import { marker, newMarker } from '../../core/reserved-names.ts';
import { notTheCache } from '../../core/root.ts';
import { checkListed, type Front, type Identities, openFront } from './fronts.ts';
import { readSmall, replaceSmall, type SmallFile } from './small-file.ts';

/** A file name: text, or bytes where the name is not UTF-8. */
export type Name = string | Buffer;

/**
 * How directories are entered so that the directory that was checked is the one that is used; one
 * implementation for each kind of system (walk.ts).
 */
export interface Walk {
  /** Root may be a symbolic link: the operator named it. */
  openRoot(root: string, how: Opening): Directory;
}

/** What may be entered below root. */
export interface Confines {
  /** Directories below root that may be mounts of their own (fronts.ts). */
  readonly fronts?: readonly string[];
  /**
   * If given, each front must be the directory that it was when its marker was read; anything else refuses
   * the whole request.
   */
  readonly identities?: Identities;
}

interface Opening extends Confines {
  /** How many patterns are to be cleared. */
  readonly patterns: number;
}

export interface Ownership {
  readonly uid: number;
  readonly gid: number;
  /** The permissions. */
  readonly mode: number;
}

/**
 * An open directory at or below root. A component that is swapped for a symbolic link after it was checked
 * cannot lead outside, as it can with any check by path (doc/design.md has the figures). Directories are
 * closed in the reverse order of opening.
 */
export abstract class Directory {
  /** Below root; '' is root itself. For messages only. */
  readonly path: string;
  /** Undefined for a directory that was reached by data or a wildcard, or that no template leads beyond. */
  readonly front: Front | undefined;
  /** On another mount than its parent directory. */
  readonly mounted: boolean;

  constructor({ path, front, mounted }: Pick<Directory, 'path' | 'front' | 'mounted'>) {
    this.path = path;
    this.front = front;
    this.mounted = mounted;
  }

  /**
   * Returns undefined when nothing can be below that name: it does not exist, or is a file. Throws for a
   * symbolic link (ELOOP) and for a directory on another mount that is not a front (EXDEV).
   */
  open(name: Name): Directory | undefined {
    const front = this.frontOf(name);
    return openFront(front, () => this.enter(name, front));
  }

  protected abstract enter(name: Name, front: Front | undefined): Directory | undefined;

  abstract close(): void;

  /**
   * The beginning of a path to an entry. It leads into this directory, whatever was renamed, until another
   * directory is opened or closed.
   */
  protected abstract at(): string;

  names(): Name[] {
    const names = this.#list();
    if (this.front) checkListed(this.front, names);
    return names;
  }

  #list(): Name[] {
    const at = this.at();
    try {
      const names: string[] = readdirSync(at);
      if (!names.some((name) => name.includes('\ufffd'))) return names;
      return readdirSync(at, { encoding: 'buffer' }).map(textIfExact);
    } catch (error) {
      // Removed by somebody else since it was opened. glibc treats it as an empty directory; other systems
      // report an error.
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  kind(name: Name): 'directory' | 'symlink' | 'other' | undefined {
    const stats = lstatSync(this.child(name), { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    return stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'other';
  }

  /** The owner of an entry; undefined if it does not exist. */
  ownership(name: Name): Ownership | undefined {
    const stats = lstatSync(this.child(name), { throwIfNoEntry: false });
    return stats && { uid: stats.uid, gid: stats.gid, mode: stats.mode & 0o7777 };
  }

  /** Whether the account root owns an entry. */
  isOfRoot(name: Name): boolean {
    return lstatSync(this.child(name), { throwIfNoEntry: false })?.uid === 0;
  }

  /** Opens whatever has that name, with the flags of open(2). */
  openFile(name: Name, flags: number): number {
    return openSync(this.child(name), flags);
  }

  /** The inode of an entry; undefined if it does not exist. */
  inode(name: Name): number | undefined {
    return lstatSync(this.child(name), { throwIfNoEntry: false })?.ino;
  }

  /**
   * Whether a listing takes longer than an event may take: some thousands of names, estimated by the space
   * the directory occupies. On ZFS its size is the number of names; other file systems report no blocks.
   */
  isLarge(): boolean {
    const { size, blocks } = lstatSync(`${this.at()}.`);
    return Math.max(size, blocks * 512) > largeBytes;
  }

  /**
   * Whether this user may make and delete entries in it; `read-only` if no user may while it is mounted like
   * this.
   */
  writable(): 'yes' | 'no' | 'read-only' {
    try {
      accessSync(this.at(), constants.W_OK | constants.X_OK);
      return 'yes';
    } catch (error) {
      return errorCode(error) === 'EROFS' ? 'read-only' : 'no';
    }
  }

  /** Its device and inode. */
  abstract identity(): string;

  readSmall(name: string, most: number): SmallFile {
    return readSmall(String(this.child(name)), most);
  }

  /** Written under a name that ends in `.new`, then renamed. */
  replaceSmall(name: string, text: string): void {
    replaceSmall(this.at(), name, `${name}.new`, text);
  }

  unlink(name: Name): void {
    unlinkSync(this.child(name));
  }

  rmdir(name: Name): void {
    rmdirSync(this.child(name));
  }

  /**
   * Whether it is a marker, which no clearing deletes: without it the daemon would not know after a crash
   * that deleted pages may be back.
   */
  keeps(name: Name): boolean {
    return this.front !== undefined && (name === marker || name === newMarker);
  }

  protected frontOf(name: Name): Front | undefined {
    return this.front?.below.get(typeof name === 'string' ? name : decode(name));
  }

  /** The path below root of one of its entries, for messages. */
  below(name: Name): string {
    const text = typeof name === 'string' ? name : readable(decode(name));
    return this.path === '' ? text : `${this.path}/${text}`;
  }

  /** The last line of defence: only the name of an entry reaches a system call, whatever was requested. */
  protected child(name: Name): string | Buffer {
    const text = String(name);
    if (text === '' || text === '.' || text === '..' || /[/\0]/.test(text))
      throw refusal('EINVAL', `${JSON.stringify(text)} is no name of a file`);
    const at = this.at();
    return typeof name === 'string' ? at + name : Buffer.concat([Buffer.from(at), name]);
  }
}

const largeBytes = 131_072;
export function identityOf({ dev, ino }: { dev: bigint; ino: bigint }): string {
  return `${dev}:${ino}`;
}

export function refusal(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

export const refusals = {
  symlink: () => refusal('ELOOP', 'is a symbolic link, which is never followed: replace it with a directory'),
  otherMount: () =>
    refusal(
      'EXDEV',
      'is a mount that no template names: write its path in a template before the first {column} or wildcard, or keep it out of what the templates match',
    ),
  notTheCache: (path: string, cause?: unknown) =>
    refusal(
      notTheCache,
      `${path === '' ? 'root' : `${path} below root`} is not the directory that it was`,
      cause,
    ),
  replaced: (cause?: unknown) =>
    refusal('ESTALE', 'was moved or replaced while it was being cleared: it is tried again', cause),
};

function textIfExact(bytes: Buffer): Name {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : bytes;
}
