import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Returns why a program cannot be started, undefined if it can. A name without `/` is searched for in PATH.
 */
export function programProblem(program: string, searchPath = process.env.PATH ?? ''): string | undefined {
  if (program.includes('/'))
    return isExecutable(program) ? undefined : `there is no program ${program}, or it may not be run`;
  const found = searchPath.split(':').some((directory) => isExecutable(join(directory || '.', program)));
  return found
    ? undefined
    : `there is no program "${program}" in PATH, which is ${searchPath}: name it by its absolute path`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
