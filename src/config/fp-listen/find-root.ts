import { didYouMean } from '../../core/suggest.ts';
import { isLiteral, type Path } from './path.ts';

/** With fewer components than this it could be `/var`: too much to confine anything. */
const leastDepth = 2;

/**
 * The directory that confines everything; fp-listen had no name for it. It is BASEDIR/cache, if any path is
 * in there, otherwise the longest directory that all paths have in common. Throws an Error with a clear
 * message if that is too much.
 */
export function findRoot(base: Path | undefined, paths: readonly Path[]): readonly string[] {
  const usual = base && [...base.components, 'cache'];
  if (usual?.every(isLiteral) && (paths.length === 0 || paths.some((path) => liesBelow(path, usual)))) {
    return usual;
  }
  const common = paths.map(literalDirectory).reduce(longestCommon, undefined);
  if (common !== undefined && common.length >= leastDepth) return common;
  const why =
    common === undefined
      ? 'there is no path'
      : `the paths have no more than /${common.join('/')} in common: correct the one that is elsewhere`;
  throw new Error(`[dirs] does not tell where the cache is: set BASEDIR, whose cache/ it is (${why})`);
}

/** The path's components below root. Throws an Error that completes "KEY …". */
export function belowRoot(path: Path, root: readonly string[]): readonly string[] {
  if (liesBelow(path, root)) return path.components.slice(root.length);
  const expected = `/${root.join('/')}`;
  const head = `/${path.components.slice(0, root.length).join('/')}`;
  throw new Error(
    `does not lie below ${expected}, and nothing else can be cleared${didYouMean(head, [expected])}`,
  );
}

function liesBelow({ components }: Path, root: readonly string[]): boolean {
  return components.length > root.length && root.every((one, index) => components[index] === one);
}

/** The components before the last, up to the first that is not a plain name. */
function literalDirectory({ components }: Path): readonly string[] {
  const directories = components.slice(0, -1);
  const wild = directories.findIndex((one) => !isLiteral(one));
  return wild === -1 ? directories : directories.slice(0, wild);
}

function longestCommon(a: readonly string[] | undefined, b: readonly string[]): readonly string[] {
  if (a === undefined) return b;
  const differs = a.findIndex((one, index) => one !== b[index]);
  return differs === -1 ? a : a.slice(0, differs);
}
