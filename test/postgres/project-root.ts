import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder of the project's package.json. This file may run from test/ or, compiled, from build/test/. */
export const projectRoot = nearest('package.json', import.meta.dirname);

function nearest(name: string, directory: string): string {
  if (existsSync(join(directory, name))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw new Error(`Cannot find ${name}: not above ${import.meta.dirname}`);
  return nearest(name, parent);
}
