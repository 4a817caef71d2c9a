import { closeSync, constants, fstatSync, readSync, writeSync } from 'node:fs';
import type { ZoneWay } from '../../core/configuration.ts';
import { errorCode } from '../../core/errors.ts';
import { type Directory, refusal } from '../walk/directory.ts';
import { type CacheHeader, headerBytes, parseCacheHeader } from './cache-header.ts';

/** A file of a zone that was examined, and is held open. */
interface PageFile {
  readonly header: CacheHeader;
  readonly writtenMs: number;
  /** Whether the name still leads to it. */
  isInPlace(): boolean;
  write(bytes: Buffer, at: number): void;
}

/** A key is as long as a url and a bit. The file of a longer one is left alone. */
const longestKey = 8_192;

/** Used for one file after the other. */
const beginning = Buffer.alloc(headerBytes(longestKey));

/**
 * Opens a file of a zone, which anybody who may write there can have replaced by anything: a link to another
 * file is not followed, and a file that has another name as well is refused, before a byte of it is written.
 * Undefined: it does not exist.
 */
export function withPageFile<Result>(
  directory: Directory,
  name: string,
  { writing, keyBytes = longestKey }: { writing: boolean; keyBytes?: number | undefined },
  use: (file: PageFile) => Result,
): Result | undefined {
  const fd = openAny(directory, name, writing);
  if (fd === undefined) return undefined;
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw notAFile();
    // nginx has just put another one in its place.
    if (stats.nlink === 0) return undefined;
    if (stats.nlink > 1)
      throw refusal('EMLINK', 'is a hard link to a file that has another name: it is left alone, remove it');
    const read = readSync(fd, beginning, 0, headerBytes(Math.min(keyBytes, longestKey)), 0);
    const header = parseCacheHeader(beginning.subarray(0, read));
    if (!header)
      throw refusal(notOfCache, "is no file of nginx's cache that is known here: it is left alone");
    return use({
      header,
      writtenMs: stats.mtimeMs,
      isInPlace: () => directory.inode(name) === stats.ino,
      write(written, at) {
        if (writeSync(fd, written, 0, written.length, at) !== written.length)
          throw refusal('EIO', 'could not be written as a whole');
      },
    });
  } finally {
    closeSync(fd);
  }
}

/** The code of a file that is none of nginx's cache. */
export const notOfCache = 'EFTYPE';

const zeros = Buffer.alloc(8);
const longAgo = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);

/**
 * A file whose version is wrong is no page: nginx asks for it again and puts the answer in its place. Unlike
 * a file that was unlinked, it cannot be served from a descriptor that nginx has kept, and is missed by nobody.
 * @returns whether there was a page
 */
export function clearPage(directory: Directory, name: string, how: ZoneWay, key?: Buffer): boolean {
  const cleared = withPageFile(
    directory,
    name,
    { writing: how !== 'unlink', keyBytes: key?.length },
    ({ header, isInPlace, write }) => {
      if (header.version === 0) return false;
      if (key && !header.key.equals(key))
        throw refusal(notOfCache, `has the key ${header.key.toString()}: it is left alone`);
      if (how === 'unlink') {
        if (isInPlace()) directory.unlink(name);
      } else if (how === 'soft' && header.validAt !== undefined) write(longAgo, header.validAt);
      else write(zeros, 0);
      return true;
    },
  );
  return cleared ?? false;
}

function openAny(directory: Directory, name: string, writing: boolean): number | undefined {
  const { O_RDWR, O_RDONLY, O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  try {
    return directory.openFile(name, (writing ? O_RDWR : O_RDONLY) | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP' || code === 'EMLINK')
      throw refusal(
        'ELOOP',
        'is a symbolic link, which is never followed: it is left alone, remove it',
        error,
      );
    if (code === 'EISDIR' || code === 'ENXIO') throw notAFile(error);
    throw error;
  }
}

function notAFile(cause?: unknown): Error {
  return refusal(notOfCache, 'is no file: it is left alone, remove it', cause);
}
