import { accessSync, constants, readdirSync, statSync } from 'node:fs';
import { errorCode } from '../core/errors.ts';
import { didYouMean } from '../core/suggest.ts';

/** What is wrong with root and with the directories that templates name in so many words. */
export function inspectRoot(
  root: string,
  templates: readonly { text: string; literalDirectory: string }[],
): string[] {
  try {
    if (!statSync(root).isDirectory()) return [`root ${root} is not a directory`];
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
    return [
      `root ${root} does not exist: create it, or correct "root" under [cache] (in an fp-listen.ini, BASEDIR)`,
    ];
  }
  const problems: string[] = [];
  if (!isWritable(root)) problems.push(`root ${root} is not writable: files in it cannot be deleted`);
  for (const { text, literalDirectory } of templates) {
    const problem = missingDirectory(root, literalDirectory);
    if (problem) problems.push(`the template "${text}" matches nothing: ${problem}`);
  }
  return problems;
}

function missingDirectory(root: string, path: string): string | undefined {
  let at = root;
  for (const component of path === '' ? [] : path.split('/')) {
    const entries = readdirSync(at, { withFileTypes: true });
    const entry = entries.find(({ name }) => name === component);
    if (entry?.isSymbolicLink()) return `${at}/${component} is a symbolic link, which is never followed`;
    if (!entry?.isDirectory()) {
      const directories = entries.filter((one) => one.isDirectory()).map(({ name }) => name);
      return `there is no directory ${at}/${component}${didYouMean(component, directories)}`;
    }
    at = `${at}/${component}`;
    if (!isWritable(at)) return `${at} is not writable`;
  }
  return undefined;
}

function isWritable(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
