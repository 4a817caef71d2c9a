import { errorCode } from '../core/errors.ts';
import { matcher, textOf } from './match.ts';
import type { Confines, Directory, Name, Ownership, Walk } from './walk/directory.ts';

/** The directories in which templates delete, and those among them in which this user cannot. */
export interface Survey {
  looked: number;
  refused: number;
  /** The first of those directories. */
  example?: Ownership & { readonly path: string };
  /** Not all of them were checked. */
  more: boolean;
}

export interface SurveyOptions extends Confines {
  /** The patterns of every possible key. */
  readonly patterns: readonly string[];
  /** The most names that are examined: a cache may have millions. */
  readonly names?: number;
  /** The longest time to spend. */
  readonly withinMs?: number;
}

/**
 * Looks for directories that the writer's account made for itself alone, below those that templates name
 * literally (these are inspected one by one, inspect-root.ts). Each directory gets an equal share of the
 * names to examine: a mistake of a writer is the same in all of its directories.
 */
export function survey(
  root: string,
  { patterns, names = 20_000, withinMs = 3_000, ...confines }: SurveyOptions,
  walk: Walk,
): Survey {
  const found: Survey = { looked: 0, refused: 0, more: false };
  const until = performance.now() + withinMs;
  const directory = walk.openRoot(root, { patterns: 1, ...confines });
  try {
    const wanted = patterns.map((pattern) => pattern.replace(/\/$/, '').split('/'));
    visit(directory, { wanted, share: names, until, found });
  } finally {
    directory.close();
  }
  return found;
}

/** What is left of a pattern below a directory; empty: the directory is deleted with its contents. */
type Rest = readonly string[];

interface Visit {
  readonly wanted: readonly Rest[];
  /** How many names may be examined. */
  readonly share: number;
  /** By performance.now(). */
  readonly until: number;
  readonly found: Survey;
}

/** Returns how many names were examined. */
function visit(directory: Directory, { wanted, share, until, found }: Visit): number {
  const candidates = candidatesIn(directory, wanted);
  const names = sample(candidates, share);
  if (names.length < candidates.length) found.more = true;
  let used = 0;
  for (const [at, name] of names.entries()) {
    if (performance.now() > until) {
      found.more = true;
      break;
    }
    used += 1;
    if (!isDirectory(directory, name)) continue;
    const below = wanted.flatMap((rest) => restBelow(rest, name));
    const shareBelow = Math.floor((share - used) / (names.length - at));
    used += enter(directory, name, { wanted: below, share: shareBelow, until, found });
  }
  return used;
}

/** A set whose disk or server has failed cannot even be looked at: it is inspected separately. */
function isDirectory(parent: Directory, name: Name): boolean {
  try {
    return parent.kind(name) === 'directory';
  } catch {
    return false;
  }
}

function enter(parent: Directory, name: Name, below: Visit): number {
  const deletes = below.wanted.some((rest) => rest.length <= 1);
  const ownership = parent.ownership(name);
  const count = (refused: boolean) => {
    if (!deletes) return;
    below.found.looked += 1;
    if (!refused) return;
    below.found.refused += 1;
    if (ownership) below.found.example ??= { path: parent.below(name), ...ownership };
  };
  let directory: Directory | undefined;
  try {
    directory = parent.open(name);
  } catch (error) {
    // A clearing reports links and mounts; this looks for directories that only their owner may change.
    if (errorCode(error) === 'EACCES') count(true);
    return 0;
  }
  if (!directory) return 0;
  try {
    // A front is inspected separately.
    if (!directory.front) count(directory.writable() === 'no' || (ownership ? keepsPages(ownership) : false));
    return visit(directory, below);
  } finally {
    directory.close();
  }
}

/** The sticky bit lets only the owner of a page, and of the directory, delete it. */
function keepsPages({ uid, mode }: Ownership): boolean {
  const we = process.getuid?.();
  return (mode & 0o1000) !== 0 && we !== 0 && we !== uid;
}

function candidatesIn(directory: Directory, wanted: readonly Rest[]): Name[] {
  if (wanted.length === 0) return [];
  const whole = wanted.some((rest) => rest.length === 0);
  const matchers = wanted.flatMap(([component]) => (component === undefined ? [] : [matcher(component)]));
  return directory
    .names()
    .filter((name) => whole || matchers.some((matches) => matches(textOf(name))))
    .filter((name) => !directory.keeps(name) && name !== 'lost+found');
}

function restBelow(rest: Rest, name: Name): Rest[] {
  const [component, ...others] = rest;
  if (component === undefined) return [rest];
  return matcher(component)(textOf(name)) ? [others] : [];
}

/** Evenly distributed. */
function sample<T>(all: readonly T[], most: number): readonly T[] {
  if (all.length <= most) return all;
  return Array.from({ length: most }, (_, at) => all[Math.floor((at * all.length) / most)] as T);
}
