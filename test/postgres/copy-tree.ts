import { copyFile, lchown, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './account.ts';

/** What no server needs and what takes room. */
const leftOut = /\.a$|^pkgconfig$|^pgxs$/;

/**
 * Copies the folder `from` to `to`, which must not exist, and gives the copy to `account`.
 *
 * Folders change hands before they are filled: whoever the account is, it can remove the copy at every
 * moment, and the guardian may have to when we die half-way. fs.cp can do neither that nor leave links
 * relative and files out at once.
 */
export async function copyTree(from: string, to: string, account: Account | undefined): Promise<void> {
  await mkdir(to, { mode: 0o700 });
  await give(to, account);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    if (leftOut.test(entry.name)) continue;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyTree(source, target, account);
    else {
      if (entry.isSymbolicLink()) await symlink(await readlink(source), target);
      else await copyFile(source, target);
      await give(target, account);
    }
  }
}

async function give(path: string, account: Account | undefined): Promise<void> {
  if (account) await lchown(path, account.uid, account.gid);
}
