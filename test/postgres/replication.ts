import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Account } from './account.ts';
import type { Binaries } from './binaries.ts';
import type { Connection } from './connection.ts';

const run = promisify(execFile);

/** Where distributions put each version's programs. */
const folders = ['/usr/lib/postgresql', '/usr/local/pgsql', '/opt/homebrew/opt'];

/**
 * A folder that has pg_basebackup beside initdb and postgres, which the packages of npm have not: $PGBIN, or
 * the newest that the system has. Undefined where there is none: what needs it is then skipped, and says so.
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

/** What a test says that is skipped for want of it. */
export const replicationMissing =
  'SKIPPED: a standby needs PostgreSQL with pg_basebackup (apt install postgresql-15, or name its folder in PGBIN)';

/**
 * Makes `directory`/data a copy of the server, set up to stream from it. The copying ends with the server, so
 * that nobody need guard it.
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
