import { matcher } from './match.ts';

/** Whether a clearing of the pattern deletes what is at this path below root: itself, or a directory that it is in. */
export function namesPath(
  pattern: string,
  { path, isDirectory }: { path: string; isDirectory: boolean },
): boolean {
  const directory = pattern.endsWith('/');
  const wanted = (directory ? pattern.slice(0, -1) : pattern).split('/');
  const components = path.split('/');
  if (wanted.length > components.length) return false;
  if (directory && wanted.length === components.length && !isDirectory) return false;
  return wanted.every((component, at) => matcher(component)(components[at] ?? ''));
}
