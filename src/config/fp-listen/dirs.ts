import { place, type Report } from './conversion-report.ts';
import { belowRoot, findRoot } from './find-root.ts';
import { packagesKey, pathKeys } from './keys.ts';
import { isLiteral, type Path, parsePath, toTemplate, unquote } from './path.ts';
import type { Values } from './section.ts';

/** The parsed [dirs] section, without options that have a problem. */
export interface Dirs {
  /** Absent if it cannot be determined. */
  readonly root?: string;
  /** As the operator would write it. */
  readonly writtenRoot?: string;
  /** By key. */
  readonly templates: ReadonlyMap<string, readonly string[]>;
  /** The snapshot to roll back to, if PKG_ZFS_SNAPSHOT is not a path. */
  readonly snapshot?: string;
}

export function readDirs(values: Values, report: Report): Dirs {
  const paths = new Map<string, Path>();
  const templates = new Map<string, readonly string[]>();
  let snapshot: string | undefined;
  for (const [key, value] of values) {
    if (!value) continue;
    reportSlips(place('dirs', key, value.line), value.written, report);
    const text = unquote(value.text);
    attempt(key, () => {
      if (key === packagesKey && !text.startsWith('/')) snapshot = checkSnapshot(text);
      else paths.set(key, readPath(key, text));
    });
  }
  const base = paths.get('basedir');
  paths.delete('basedir');
  const root = rootOf(base, [...paths.values()], report);
  if (!root) return { templates };
  for (const [key, path] of paths) {
    attempt(key, () => {
      const below = { ...path, components: belowRoot(path, root) };
      const variants = pathKeys[key]?.columns;
      templates.set(
        key,
        variants ? variants.map((columns) => toTemplate(below, columns)) : [toTemplate(inside(below), [])],
      );
    });
  }
  return {
    root: `/${root.join('/')}`,
    writtenRoot: writeRoot(root, base),
    templates,
    ...(snapshot !== undefined && { snapshot }),
  };

  function attempt(key: string, read: () => void): void {
    try {
      read();
    } catch (error) {
      const { line = 0 } = values.get(key) ?? {};
      report.problems.push(`${place('dirs', key, line)} ${(error as Error).message}`);
    }
  }
}

/**
 * Text that configparser treats as part of a value, although hardly anybody intends that: for years it made a
 * path that matched nothing.
 */
function reportSlips(where: string, written: string, report: Report): void {
  const nothing = "to the value for Python's configparser, so that fp-listen never cleared anything with it";
  if (unquote(written) !== written)
    report.notices.push(
      `${where}: the quotes belong ${nothing}; uncached reads it without them: remove them`,
    );
  if (/\s[;#]/.test(written))
    report.notices.push(
      `${where}: the ";" or "#" and what follows belong ${nothing}: a comment has a line of its own`,
    );
}

function writeRoot(root: readonly string[], base: Path | undefined): string {
  const from = base?.components.every((one, index) => root[index] === one) ? base.components.length : 0;
  return [from > 0 ? '%(BASEDIR)s' : '', ...root.slice(from)].join('/');
}

function readPath(key: string, text: string): Path {
  // A pathname begins with "/", so that fp-listen's `ports%s` is a path below ports/.
  return parsePath(text, pathKeys[key]?.columns[0]?.length ?? 0, key === 'file_cache_path' ? '/' : '');
}

/** A directory means its contents. */
function inside(path: Path): Path {
  if (!isLiteral(path.components[0] ?? '')) {
    throw new Error('would clear the whole cache, also what is no page: name a directory in it');
  }
  if (!path.components.every(isLiteral)) return path;
  return { components: [...path.components, '*'], directory: false };
}

function checkSnapshot(text: string): string {
  if (/^[^\s@-][^\s@]*@[^\s@]+$/.test(text)) return text;
  throw new Error('must be a ZFS snapshot, DATASET@empty, or the absolute path of the directory of packages');
}

function rootOf(
  base: Path | undefined,
  paths: readonly Path[],
  report: Report,
): readonly string[] | undefined {
  try {
    return findRoot(base, paths);
  } catch (error) {
    report.problems.push((error as Error).message);
    return undefined;
  }
}
