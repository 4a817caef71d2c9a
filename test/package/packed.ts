import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Packed {
  /** The tarball. */
  readonly file: string;
  readonly bytes: Buffer;
  readonly paths: readonly string[];
}

/**
 * The package as `npm run build:test` has built it. It is not rebuilt, because other tests use dist/
 * meanwhile.
 */
export function pack(directory: string): Packed {
  const told = execFileSync(
    'npm',
    ['pack', '--ignore-scripts', '--json', '--loglevel=error', '--pack-destination', directory],
    { encoding: 'utf8' },
  );
  const [{ filename, files }] = JSON.parse(told) as [{ filename: string; files: { path: string }[] }];
  const file = join(directory, filename);
  return { file, bytes: readFileSync(file), paths: files.map(({ path }) => path) };
}
