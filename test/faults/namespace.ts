import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import type { Account } from '../postgres/account.ts';

/** A private mount namespace, invisible to other processes. An ordinary user becomes root in it. */
const flags = process.getuid?.() === 0 ? ['-m'] : ['-U', '-r', '-m'];

/**
 * The command prefix that runs a program in a namespace of its own, after `script`. In the script `$1` is
 * `directory`.
 */
export const inNamespace = (script: string, directory: string): readonly string[] => [
  'unshare',
  ...flags,
  'sh',
  '-c',
  `${script} && shift && exec "$@"`,
  'sh',
  directory,
];

/** The command prefix that runs a program as another user. It comes after what root must do first. */
export const become = ({ uid, gid }: Pick<Account, 'uid' | 'gid'>): readonly string[] => [
  'setpriv',
  `--reuid=${uid}`,
  `--regid=${gid}`,
  '--clear-groups',
];

/** Runs a command in the namespace of a running program. */
export function enterNamespace(pid: number, ...command: readonly string[]): string {
  const which = process.getuid?.() === 0 ? ['-m'] : ['-U', '--preserve-credentials', '-m'];
  return execFileSync('nsenter', ['-t', String(pid), ...which, ...command], { encoding: 'utf8' });
}

export function canMount(): boolean {
  try {
    const [program = '', ...args] = inNamespace(
      'mount -t tmpfs none "$1" && mount --bind "$1" "$1"',
      tmpdir(),
    );
    execFileSync(program, [...args, 'nsenter', '--version'], { stdio: 'ignore' });
    return true;
  } catch {
    console.warn(
      'SKIPPED: a disk that is read-only or full is tested where unshare and nsenter (util-linux) may mount, as root or in a user namespace',
    );
    return false;
  }
}
