/** Where a page is stored below root. */
export interface Place {
  readonly path: string;
  /** From the top down, without the name. */
  readonly directories: readonly string[];
  readonly name: string;
}

/** So that its temp, `.NAME.<16 hex>.tmp`, fits the 255 bytes of a directory entry. */
const longestNameBytes = 233;
const longestComponentBytes = 255;

/**
 * Splits a page's path by the rules that the daemon has for keys, or returns an error that names the broken
 * rule.
 */
export function placeOf(path: string): Place | Error {
  const directories = path.split('/');
  const name = directories.pop() ?? '';
  const fault =
    faultOf(path) ??
    directories.map((directory) => faultOfComponent(directory, longestComponentBytes)).find(Boolean) ??
    faultOfComponent(name, longestNameBytes);
  if (fault === undefined) return { path, directories, name };
  return new Error(`Cannot cache page ${JSON.stringify(path)}: ${fault}`);
}

function faultOf(path: string): string | undefined {
  // A lone surrogate is written as U+FFFD: two paths would become one file, and one page would be served as
  // the other.
  if (Buffer.from(path).toString() !== path) return 'it is not well-formed Unicode';
  if (path.includes('\0')) return 'it contains NUL';
  return undefined;
}

function faultOfComponent(component: string, longestBytes: number): string | undefined {
  const named = `component ${JSON.stringify(component)}`;
  if (component === '') return 'it has an empty component';
  if (component.startsWith('.')) return `${named} begins with a dot`;
  if (Buffer.byteLength(component) > longestBytes) return `${named} is longer than ${longestBytes} bytes`;
  return undefined;
}
