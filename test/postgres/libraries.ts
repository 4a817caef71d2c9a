import { readFile, symlink } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

interface Link {
  source: string;
  target: string;
}

/**
 * Makes the library links that the package with the folder `native` names in pg-symlinks.json: its
 * postinstall should have, but npm 12 runs none. A folder without that file is no such package and needs
 * none.
 *
 * Links that cannot be made are left out: whether the binaries run without them is for the caller to try.
 * Several test runs may do this at once.
 */
export async function linkLibraries(native: string): Promise<void> {
  const links = await readLinks(join(native, 'pg-symlinks.json'));
  await Promise.all(
    links.map(async ({ source, target }) => {
      // Its paths begin with `native/`, whatever the folder is called.
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
