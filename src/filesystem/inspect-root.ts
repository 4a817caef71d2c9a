import { statSync } from 'node:fs';
import { join } from 'node:path';
import { remedies, rootRemedies } from '../core/disk-errors.ts';
import { errorCode, toError } from '../core/errors.ts';
import { marker, newMarker } from '../core/reserved-names.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Directory, Ownership, Walk } from './walk/directory.ts';

export interface InspectedTemplate {
  readonly handler: string;
  readonly text: string;
  readonly literalDirectory: string;
  readonly front: string;
}

export interface Inspection {
  readonly problems: readonly string[];
  /** Not an error, but worth knowing. */
  readonly notices: readonly string[];
  /** The owner of the markers that the daemon writes. */
  readonly markers: readonly (Ownership & { readonly path: string })[];
}

/**
 * Finds what is wrong with root and with the directories that templates name literally. It enters them as the
 * daemon does.
 */
export function inspectRoot(
  root: string,
  { templates, fronts }: { templates: readonly InspectedTemplate[]; fronts: readonly string[] },
  walk: Walk,
): Inspection {
  const wrong = placeProblem(root);
  if (wrong !== undefined) return { problems: [`[cache] root = ${root} ${wrong}`], notices: [], markers: [] };
  const problems = new Set<string>();
  /** The templates that "match nothing", by the directory that does not exist. */
  const missing = new Map<string, string>();
  const markers = new Map<string, Ownership>();
  for (const { handler, ...template } of templates) {
    const held: Directory[] = [];
    const hold = (directory: Directory) => {
      held.push(directory);
      const ownership = directory.ownership(marker);
      if (ownership) markers.set(join(root, directory.path, marker), ownership);
    };
    try {
      hold(walk.openRoot(root, { patterns: 1, fronts }));
      const problem = templateProblem({ root, held, hold }, template);
      const text = problem && `[handler.${handler}] the template "${template.text}" ${problem.text}`;
      if (text !== undefined) problems.add(text);
      if (text !== undefined && problem?.missing) missing.set(text, template.literalDirectory);
    } catch (error) {
      problems.add(`[cache] root = ${root} cannot be opened: ${formatError(error)}`);
    } finally {
      for (const directory of held.reverse()) directory.close();
    }
  }
  const found = { markers: [...markers].map(([path, ownership]) => ({ path, ...ownership })) };
  if (missing.size === 0 || !isEmpty(root, walk)) return { problems: [...problems], notices: [], ...found };
  return {
    problems: [...problems].filter((problem) => !missing.has(problem)),
    notices: [
      `[cache] root = ${root} is empty: the directories that templates name (${[...new Set(missing.values())].join(', ')}) are to be made there by what writes the pages`,
    ],
    ...found,
  };
}

function placeProblem(root: string): string | undefined {
  try {
    return statSync(root).isDirectory() ? undefined : 'is not a directory';
  } catch (error) {
    if (errorCode(error) === 'ENOENT')
      return 'does not exist: create it, or correct it (in an fp-listen.ini, BASEDIR)';
    return `cannot be looked at: ${formatError(error, { ...remedies, ...rootRemedies })}`;
  }
}

function formatError(error: unknown, known = remedies): string {
  const code = errorCode(error) ?? '';
  return `${toError(error).message}${Object.hasOwn(known, code) ? `: ${known[code]}` : ''}`;
}

/** Nothing was ever written there. A separate file system has lost+found. */
function isEmpty(root: string, walk: Walk): boolean {
  const directory = walk.openRoot(root, { patterns: 1 });
  try {
    return directory.names().every((name) => [marker, newMarker, 'lost+found'].includes(String(name)));
  } finally {
    directory.close();
  }
}

interface Problem {
  readonly text: string;
  /** The directory does not exist. */
  readonly missing?: true;
}

interface Way {
  readonly root: string;
  /** The open directories, root first. */
  readonly held: Directory[];
  hold(directory: Directory): void;
}

function templateProblem(
  way: Way,
  { literalDirectory, front }: Pick<InspectedTemplate, 'literalDirectory' | 'front'>,
): Problem | undefined {
  const missing = enter(way, literalDirectory);
  if (missing !== undefined) return missing;
  // The whole template is literal: what it names may be absent, or a mount that is emptied and not removed.
  const last = front === literalDirectory ? '' : front.slice(literalDirectory.length).replace(/^\//, '');
  if (last !== '' && way.held.at(-1)?.kind(last) === 'directory') {
    const refused = enter(way, last);
    if (refused !== undefined) return refused;
    if (way.held.at(-1)?.mounted) return writeProblem(way);
    way.held.pop()?.close();
  }
  return writeProblem(way);
}

function enter({ root, held, hold }: Way, path: string): Problem | undefined {
  for (const component of path === '' ? [] : path.split('/')) {
    const at = held.at(-1);
    const where = join(root, at?.below(component) ?? '');
    try {
      const directory = at?.open(component);
      if (!directory) {
        const near = didYouMean(component, at ? directoriesIn(at) : []);
        return { text: `matches nothing: there is no directory ${where}${near}`, missing: true };
      }
      hold(directory);
    } catch (error) {
      // An error made here is already a sentence about the directory.
      const code = errorCode(error);
      const ours = (error as NodeJS.ErrnoException).syscall === undefined;
      const why = ours ? toError(error).message : `cannot be opened: ${code}`;
      return { text: `clears nothing: ${where} ${why}` };
    }
  }
  return undefined;
}

function directoriesIn(directory: Directory): string[] {
  return directory.names().flatMap((name) => {
    return typeof name === 'string' && directory.kind(name) === 'directory' ? [name] : [];
  });
}

/**
 * The directories above need not be writable: root may be a plain directory over sets that are mounts of
 * their own.
 */
function writeProblem({ root, held }: Way): Problem | undefined {
  const directory = held.at(-1);
  if (!directory || directory.writable() === 'yes') return undefined;
  const why =
    directory.writable() === 'read-only'
      ? `is read-only: ${remedies.EROFS}`
      : `is not writable: ${remedies.EACCES}`;
  return { text: `clears nothing: ${join(root, directory.path)} ${why}` };
}
