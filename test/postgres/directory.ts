import { chown, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Account } from './account.ts';

/** The longest path of a socket that every system allows, in bytes (Linux 107, macOS and FreeBSD 103). */
const maxSocketPath = 103;

/** Makes a new directory in the system's temporary directory, with mode 0700 and owned by `account`. */
export async function makeDirectory(account: Account | undefined): Promise<string> {
  const prefix = join(tmpdir(), 'uncached-');
  const socket = `${prefix}XXXXXX/.s.PGSQL.65535`;
  if (Buffer.byteLength(socket) > maxSocketPath) {
    throw new Error(
      `Cannot make a server's directory: the path of its socket, ${socket}, is over ${maxSocketPath} bytes. Set TMPDIR to a shorter one`,
    );
  }
  const directory = await mkdtemp(prefix);
  if (account) await chown(directory, account.uid, account.gid);
  return directory;
}
