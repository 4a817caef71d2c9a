import { execFileSync } from 'node:child_process';

/** The Debian package of what `npm run build:test` has built. Returns its path in the directory. */
export function buildDebianPackage(directory: string, env: NodeJS.ProcessEnv = {}): string {
  const said = execFileSync('bash', ['scripts/deb.sh', directory], {
    encoding: 'utf8',
    env: { ...process.env, ...env },
  });
  return said.trim();
}
