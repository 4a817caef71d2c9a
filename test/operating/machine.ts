import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastWill } from '../last-will.ts';

/** Commands that run on a throw-away machine (machine.sh). */
export interface Step {
  readonly language: string;
  readonly text: string;
}

export interface StepResult {
  /** Empty if the step was not reached, because one before it failed. */
  readonly code: string;
  readonly out: string;
  readonly err: string;
}

/** Private mounts, ports and processes, which end with it. */
const apart = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** The reason why there can be no such machine here, or undefined. */
export function whyNoMachine(programs: readonly string[]): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs Linux and root';
  const missing = ['unshare', 'adduser', 'runuser', 'su', 'psql', 'createdb', ...programs].filter(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0,
  );
  if (missing.length > 0) return `there is no ${missing.join(', ')}`;
  const overlay =
    'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w && mount -t overlay o -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc';
  if (spawnSync('unshare', [...apart, 'sh', '-c', overlay]).status !== 0)
    return 'overlays cannot be mounted in a mount namespace here';
  if (!/^(postgres|www-data):.*\n[\s\S]*^(postgres|www-data):/m.test(readFileSync('/etc/passwd', 'utf8')))
    return 'there are no accounts postgres and www-data';
  return undefined;
}

/**
 * Runs the steps in order, until one fails. `server` is the directory with the socket of a PostgreSQL; without
 * one, a step has to start it. `functions` are definitions for the shell that every step can use. `debianPackage`
 * is a file that the steps find in their directory, to install it; without it uncached is there, as from npm.
 */
export function runOnMachine(
  steps: readonly Step[],
  {
    server = '-',
    functions = '',
    debianPackage,
  }: { server?: string; functions?: string; debianPackage?: string } = {},
): StepResult[] {
  const work = mkdtempSync(join(tmpdir(), 'uncached-machine-'));
  const cancel = lastWill('rm -rf "$1"', work);
  try {
    chmodSync(work, 0o755);
    writeFileSync(join(work, 'functions.sh'), functions);
    for (const [at, { language, text }] of steps.entries())
      writeFileSync(join(work, `${at}.${language}`), text);
    execFileSync(
      'unshare',
      [
        ...apart,
        'bash',
        'test/operating/machine.sh',
        work,
        server,
        debianPackage ?? installed(work),
        process.execPath,
      ],
      { stdio: ['ignore', 'inherit', 'inherit'] },
    );
    const read = (at: number, what: string) => {
      const file = join(work, `${at}.${what}`);
      return existsSync(file) ? readFileSync(file, 'utf8').trimEnd() : '';
    };
    return steps.map((_, at) => ({ code: read(at, 'code'), out: read(at, 'out'), err: read(at, 'err') }));
  } finally {
    rmSync(work, { recursive: true, force: true });
    cancel();
  }
}

/** The result of `npm install` with the package, without the network. */
function installed(work: string): string {
  const to = join(work, 'package');
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], {
    encoding: 'utf8',
  });
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
  for (const { path } of files) cpSync(path, join(to, path));
  const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { encoding: 'utf8' });
  for (const path of listed.trim().split('\n').slice(1))
    cpSync(path, join(to, path.replace(/^.*?\/(?=node_modules\/)/, '')), { recursive: true });
  return to;
}
