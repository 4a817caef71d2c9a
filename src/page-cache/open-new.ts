import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * A clearing may remove a directory as soon as it is made. Ten clearings in a row are a fault, not chance.
 */
const attempts = 10;

/**
 * Opens a file that must not exist yet. Makes the directories above it, which clearings may remove meanwhile.
 */
export async function openNew(
  path: string,
  root: string,
  directories: readonly string[],
): Promise<FileHandle> {
  for (let attempt = 1; ; attempt++) {
    try {
      await makeDirectories(root, directories);
      return await open(path, 'wx');
    } catch (error) {
      if (codeOf(error) !== 'ENOENT' || attempt === attempts) throw error;
    }
  }
}

/**
 * Only below root: a missing root is misspelt or not mounted, and pages stored there would never be cleared.
 * Symlinks are refused because the daemon does not follow them: a page stored behind one would stay for ever.
 */
async function makeDirectories(root: string, directories: readonly string[]): Promise<void> {
  let path = root;
  for (const directory of directories) {
    path = join(path, directory);
    const found = await lstat(path).catch(unless('ENOENT'));
    if (found === undefined) await mkdir(path).catch(unless('EEXIST'));
    else if (!found.isDirectory()) throw new Error(`Cannot use ${path}: it is not a directory`);
  }
}

function unless(code: string): (error: unknown) => undefined {
  return (error) => {
    if (codeOf(error) !== code) throw error;
  };
}

/** The `ENOENT` of a failed system call. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
