import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { lastWill } from '../last-will.ts';
import type { Account } from './account.ts';
import { makeDirectory } from './directory.ts';

const run = promisify(execFile);

/**
 * This variable names the folder with a copy of what each version's initdb made. Unset outside a test run.
 */
const variable = 'UNCACHED_NEW_CLUSTERS';

/**
 * Keeps the result of initdb for all servers of this test run. It is the same each time except for the
 * cluster's identifier, takes a second of CPU time, and a run starts over a hundred servers. Returns a
 * function that removes it.
 */
export async function keepNewClusters(account: Account | undefined): Promise<() => Promise<void>> {
  const folder = await makeDirectory(account);
  const revoke = lastWill('rm -rf "$1"', folder);
  process.env[variable] = folder;
  return async () => {
    delete process.env[variable];
    await rm(folder, { recursive: true, force: true });
    revoke();
  };
}

/** Creates a new cluster in `data`, which must not exist. Calls `initialise` when no copy is kept. */
export async function newCluster(
  data: string,
  version: string,
  initialise: () => Promise<void>,
): Promise<void> {
  const folder = process.env[variable];
  if (folder === undefined) return initialise();
  const kept = join(folder, version);
  if (existsSync(kept)) return copy(kept, data);
  await initialise();
  const beside = `${kept}.${randomBytes(8).toString('hex')}`;
  await copy(data, beside);
  // Another process may have kept one in the meantime.
  await rename(beside, kept).catch(() => rm(beside, { recursive: true, force: true }));
}

/** Keeps owners and modes. */
async function copy(from: string, to: string): Promise<void> {
  await run('cp', ['-a', from, to]);
}
