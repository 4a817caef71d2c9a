import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../../faults/eventually.ts';
import { lastWill } from '../../last-will.ts';

/** Debian's has its version in its name. */
const program = ['/usr/sbin', '/usr/local/sbin']
  .filter((directory) => existsSync(directory))
  .flatMap((directory) => readdirSync(directory).map((name) => join(directory, name)))
  .find((path) => /\/php-fpm[\d.]*$/.test(path));

export const phpFound = program !== undefined && spawnSync(program, ['-v']).status === 0;
if (!phpFound) console.warn('SKIPPED: there is no php-fpm here (Debian: php-fpm)');

/** Runs the PHP of a folder behind a socket in it. */
export async function startPhp(folder: string): Promise<{ socket: string; stop(): Promise<void> }> {
  const socket = join(folder, 'php.sock');
  const file = join(folder, 'php-fpm.conf');
  const account = process.getuid?.() === 0 ? 'user = www-data\ngroup = www-data\n' : '';
  writeFileSync(
    file,
    `[global]
error_log = ${folder}/php.log
daemonize = no
[www]
${account}listen = ${socket}
listen.mode = 0666
pm = static
pm.max_children = 2
`,
  );
  const child: ChildProcess = spawn(program ?? '', ['-y', file, '-p', folder, '-n'], { stdio: 'ignore' });
  lastWill('kill "$1"', String(child.pid));
  await eventually(
    'php-fpm to listen',
    async () => existsSync(socket) || undefined,
    async () => `exit code ${child.exitCode}`,
  );
  return {
    socket,
    async stop() {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      await ended;
    },
  };
}
