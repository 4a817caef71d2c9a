import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Without fsync a server is still safe against kill -9, for the operating system keeps what was written; so
 * synchronous_commit stays on, as tests of just that may not lose what was committed.
 */
const forTests = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  max_wal_size: '256MB',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

/**
 * Adds to postgresql.conf, where the last word counts: ours for tests, then `settings`, then where the server
 * is found.
 */
export async function configure(
  directory: string,
  settings: Record<string, string>,
  address: { port: number; tcp: boolean },
): Promise<void> {
  const all = {
    ...forTests,
    ...settings,
    listen_addresses: address.tcp ? '127.0.0.1' : '',
    port: String(address.port),
    // A list of names, so the name is quoted within the quotes.
    unix_socket_directories: `"${directory}"`,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${quote(value)}\n`);
  await appendFile(join(directory, 'data', 'postgresql.conf'), lines.join(''));
}

function quote(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
