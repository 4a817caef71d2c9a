import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  lstatSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { errorCode } from '../../core/errors.ts';

/** Other users may write in the same directory, so the file may be anything. */
export type SmallFile = { readonly text: string } | 'absent' | 'strange';

/**
 * Reads a regular file of at most `most` bytes. It does not follow a link, wait for a fifo, open a device, or
 * read anything of a larger file.
 */
export function readSmall(path: string, most: number): SmallFile {
  let fd: number | undefined;
  try {
    if (!lstatSync(path).isFile()) return 'strange';
    // The file may have been replaced meanwhile.
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    if (!stats.isFile() || stats.size > most) return 'strange';
    const bytes = Buffer.alloc(most);
    return { text: bytes.toString('utf8', 0, readSync(fd, bytes)) };
  } catch (error) {
    const code = errorCode(error) ?? '';
    if (code === 'ENOENT') return 'absent';
    if (['ELOOP', 'EMLINK', 'ENXIO', 'EISDIR', 'EACCES', 'EPERM'].includes(code)) return 'strange';
    throw error;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/**
 * Puts a file in place as a whole, and on the disk. A name that exists is never opened for writing, so that
 * no link leads outside.
 * @param directory the beginning of paths in it
 */
export function replaceSmall(directory: string, name: string, temporary: string, text: string): void {
  // Links and fifos are deleted like files; a directory is an error.
  rmSync(directory + temporary, { force: true });
  const fd = openSync(directory + temporary, 'wx', 0o644);
  try {
    writeSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  try {
    renameSync(directory + temporary, directory + name);
  } catch (error) {
    rmSync(directory + temporary, { force: true });
    throw error;
  }
  syncDirectory(directory);
}

function syncDirectory(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
