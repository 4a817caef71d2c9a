import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * Without fsync a server still survives kill -9, because the operating system keeps what was written.
 * synchronous_commit stays on: tests of kill -9 must not lose committed data.
 */
const forTests = {
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '32MB',
  max_wal_size: '256MB',
  // Several test files run at a time, one with ten daemons. A busy server is slow to end their sessions.
  max_connections: '200',
  log_timezone: 'UTC',
  timezone: 'UTC',
};

/**
 * Appends to postgresql.conf, where the last line wins: first our settings for tests, then `settings`, then
 * the server's address.
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
    // The value is a list of names, so the name is quoted inside the quotes.
    unix_socket_directories: `"${directory}"`,
  };
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${quote(value)}\n`);
  await appendFile(join(directory, 'data', 'postgresql.conf'), lines.join(''));
}

function quote(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
