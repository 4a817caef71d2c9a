import { checkDottedName, checkName } from './name.ts';

/**
 * `{column:below /ports/head}`: the components of a path without those of the prefix, which is taken off at the front only and by whole
 * components; a path that is not below it stays whole. A database's own paths may have hidden files, such as `.gitignore`, and these
 * have pages like any other.
 */
export function parseBelow(argument: string): (value: string) => string[] {
  const prefix = componentsOf(argument.trim().replace(/\/$/, ''));
  try {
    prefix.forEach(checkName);
  } catch (error) {
    throw new Error(
      `"below" takes a path such as /ports/head, and "${argument}" ${(error as Error).message}`,
    );
  }
  return (value) => {
    const path = componentsOf(value);
    const below = prefix.every((component, at) => component === path[at]);
    if (below && path.length === prefix.length)
      throw new Error(`is ${JSON.stringify(value)}, of which nothing is below /${prefix.join('/')}`);
    return path.slice(below ? prefix.length : 0).map(checkDottedName);
  };
}

/** A leading `/` is dropped. */
export function componentsOf(path: string): string[] {
  return path.replace(/^\//, '').split('/');
}
