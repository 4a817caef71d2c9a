import { lstatSync, readdirSync, rmdirSync, unlinkSync } from 'node:fs';
import { decode, readable } from '../core/bytes.ts';
import { errorCode } from '../core/errors.ts';

/** A file name: text, or bytes where the name is not UTF-8. */
export type Name = string | Buffer;

/** How directories are entered so that what was checked is what is used; one for each kind of system (walk.ts). */
export interface Walk {
  /**
   * Root may be a symbolic link: the operator named it.
   * @param patterns how many are to be cleared
   */
  openRoot(root: string, patterns: number): Directory;
}

/**
 * An open directory at or below root. A component swapped for a symbolic link after it was checked cannot lead outside, as it can
 * with any check by path (doc/design.md has the figures). Directories are closed in the reverse order of opening.
 */
export abstract class Directory {
  /** Below root; '' is root itself. For messages only. */
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * Returns undefined when nothing can be below that name: it does not exist, or is a file. Throws for a symbolic link (ELOOP)
   * and for a directory on another mount (EXDEV).
   */
  abstract open(name: Name): Directory | undefined;

  abstract close(): void;

  /** What a path to an entry begins with. It leads into this directory, whatever was renamed, until another is opened or closed. */
  protected abstract at(): string;

  names(): Name[] {
    const at = this.at();
    try {
      const names: string[] = readdirSync(at);
      if (!names.some((name) => name.includes('\ufffd'))) return names;
      return readdirSync(at, { encoding: 'buffer' }).map(textIfExact);
    } catch (error) {
      // Removed by others since it was opened; glibc takes that for an empty directory, others say so.
      if (errorCode(error) === 'ENOENT') return [];
      throw error;
    }
  }

  kind(name: Name): 'directory' | 'symlink' | 'other' | undefined {
    const stats = lstatSync(this.child(name), { throwIfNoEntry: false });
    if (stats === undefined) return undefined;
    return stats.isDirectory() ? 'directory' : stats.isSymbolicLink() ? 'symlink' : 'other';
  }

  unlink(name: Name): void {
    unlinkSync(this.child(name));
  }

  rmdir(name: Name): void {
    rmdirSync(this.child(name));
  }

  /** The path below root of one of its entries, for messages. */
  below(name: Name): string {
    const text = typeof name === 'string' ? name : readable(decode(name));
    return this.path === '' ? text : `${this.path}/${text}`;
  }

  /** The last line of defence: nothing but the name of an entry gets near a system call, whatever asked for it. */
  protected child(name: Name): string | Buffer {
    const text = String(name);
    if (text === '' || text === '.' || text === '..' || /[/\0]/.test(text))
      throw refusal('EINVAL', `${JSON.stringify(text)} is no name of a file`);
    const at = this.at();
    return typeof name === 'string' ? at + name : Buffer.concat([Buffer.from(at), name]);
  }
}

export function refusal(code: string, message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { code });
}

export const refusals = {
  symlink: () => refusal('ELOOP', 'is a symbolic link, which is never followed: replace it by a directory'),
  otherMount: () => refusal('EXDEV', 'is on another mount than root: leave it out of the templates'),
  replaced: (cause?: unknown) =>
    refusal('ESTALE', 'was moved or replaced while it was being cleared: it is tried again', cause),
};

function textIfExact(bytes: Buffer): Name {
  const text = bytes.toString();
  return Buffer.from(text).equals(bytes) ? text : bytes;
}
