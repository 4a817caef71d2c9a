import { copyFile, lchown, mkdir, readdir, readlink, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Account } from './account.ts';

/** Large parts that no server needs. */
const leftOut = /\.a$|^pkgconfig$|^pgxs$/;

/**
 * Copies the folder `from` to `to`, which must not exist, and makes `account` its owner.
 *
 * Each folder gets its owner before its files are copied, so that the account can remove the copy at any
 * time. The guardian has to when we die half-way. fs.cp cannot do that, and cannot both keep links relative
 * and leave files out.
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
