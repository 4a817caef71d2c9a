import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { Connection } from './connection.ts';

const run = promisify(execFile);

/** The folders where distributions install each version's programs. */
const folders = ['/usr/lib/postgresql', '/usr/local/pgsql', '/opt/homebrew/opt'];

/**
 * A folder that has pg_basebackup in addition to initdb and postgres. The packages from npm lack it, so it is
 * $PGBIN, or the newest version that the system has. Undefined where there is none: tests that need it are
 * then skipped and say why.
 */
export function replicationBinaries(): string | undefined {
  const installed = folders.filter(existsSync).flatMap((folder) =>
    readdirSync(folder)
      .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))
      .map((version) => join(folder, version, 'bin')),
  );
  return [process.env.PGBIN ?? '', ...installed, '/usr/local/bin'].find((path) =>
    ['pg_basebackup', 'initdb', 'postgres'].every((program) => existsSync(join(path, program))),
  );
}

/** The text that a test shows when it is skipped because of that. */
export const replicationMissing =
  'SKIPPED: a standby needs PostgreSQL with pg_basebackup (apt install postgresql-15, or name its folder in PGBIN)';

/**
 * Makes `directory`/data a copy of the server, configured to stream from it. The copying ends when the server
 * does, so it needs no guardian.
 */
export async function copyServer(
  { host, port, user }: Connection,
  { binaries, directory, account }: { binaries: Binaries; directory: string; account: Account | undefined },
): Promise<void> {
  const from = ['--host', host, '--port', String(port), '--username', user];
  const how = ['--write-recovery-conf', '--checkpoint=fast', '--no-sync', '--no-password'];
  await run(join(binaries.path, 'pg_basebackup'), ['--pgdata', join(directory, 'data'), ...from, ...how], {
    cwd: '/',
    env: { LC_ALL: 'C', TZ: 'UTC' },
    timeout: 120_000,
    ...(account && { uid: account.uid, gid: account.gid }),
  });
}
