import { readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

interface Link {
  source: string;
  target: string;
}

/**
 * Makes the library links that the package with the folder `native` lists in pg-symlinks.json. Its
 * postinstall script should make them, but npm 12 runs none. A folder without that file is no such package
 * and needs no links.
 *
 * Links that cannot be made are skipped. The caller then tests whether the binaries run without them. Several
 * test runs may do this at once.
 */
export async function linkLibraries(native: string): Promise<void> {
  const links = await readLinks(join(native, 'pg-symlinks.json'));
  await Promise.all(
    links.map(async ({ source, target }) => {
      // The paths in it begin with `native/`, whatever the name of the folder.
      const path = join(native, relative('native', target));
      await symlink(relative(dirname(target), source), path).catch(forgive);
    }),
  );
}

async function readLinks(file: string): Promise<Link[]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as Link[];
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function forgive(error: unknown): void {
  if (!['EEXIST', 'EACCES', 'EPERM', 'EROFS'].includes(codeOf(error))) throw error;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
