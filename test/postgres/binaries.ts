import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Account } from './account.ts';
import { copyTree } from './copy-tree.ts';
import { linkLibraries } from './libraries.ts';

const run = promisify(execFile);

/** Programs that have been run successfully as the requested account. */
export interface Binaries {
  /** The folder with initdb and postgres. */
  path: string;
  /** As PostgreSQL writes it: `18.4`. */
  version: string;
}

/**
 * Makes the binaries in the folder `path` usable by `account` and proves it by running them.
 *
 * A package's binaries may lack their library links in a place where we cannot make them (node_modules owned
 * by root). Or they may lie where the account has no access (a checkout below a 0700 home). Then they are
 * copied to `copyTo`. Rejects with the programs' output when they run neither here nor there.
 */
export async function usableBinaries(
  path: string,
  account: Account | undefined,
  copyTo: string,
): Promise<Binaries> {
  const native = dirname(path);
  await linkLibraries(native);
  try {
    return await tryBinaries(path, account);
  } catch (cause) {
    // Only a package can be moved. Other binaries look for their share/ at the path they were built for.
    if (!existsSync(join(native, 'pg-symlinks.json'))) throw unusable(path, account, cause);
  }
  await copyTree(native, copyTo, account);
  await linkLibraries(copyTo);
  const copy = join(copyTo, 'bin');
  return await tryBinaries(copy, account).catch((cause: unknown) => {
    throw unusable(path, account, cause);
  });
}

async function tryBinaries(path: string, account: Account | undefined): Promise<Binaries> {
  // Both are run because they need different libraries.
  await versionOf(join(path, 'initdb'), account);
  return { path, version: await versionOf(join(path, 'postgres'), account) };
}

async function versionOf(program: string, account: Account | undefined): Promise<string> {
  const { stdout } = await run(program, ['--version'], {
    cwd: '/',
    timeout: 100_000,
    ...(account && { uid: account.uid, gid: account.gid }),
  });
  const version = /\(PostgreSQL\) (\S+)/.exec(stdout)?.[1];
  if (version === undefined) throw new Error(`${program} --version said: ${stdout}`);
  return version;
}

function unusable(path: string, account: Account | undefined, cause: unknown): Error {
  const detail = cause instanceof Error ? cause.message : String(cause);
  return new Error(
    `Cannot run initdb and postgres in ${path}${account ? ` as user ${account.name}` : ''}: ${detail.trim()}\n` +
      'Set PGBIN to a directory with both that this user can run, or DATABASE_URL to a running server',
    { cause },
  );
}
