import { type Directory, refusal } from '../walk/directory.ts';
import { isPageName } from './zone-path.ts';

/**
 * Calls `visit` for each directory that pages lie in, with whatever has the name of one. Throws where the zone
 * has other levels: pages would be sought where none are.
 * @param attempt what tries to enter a directory, and may ignore that it fails
 */
export function eachLeafBelow(
  directory: Directory,
  levels: readonly number[],
  attempt: (path: string, work: () => void) => void,
  visit: (directory: Directory, names: readonly string[]) => void,
): void {
  const [digits, ...below] = levels;
  const names = directory.names().map(String);
  if (digits === undefined) {
    const deeper = names.find((name) => /^[0-9a-f]{1,2}$/.test(name) && directory.kind(name) === 'directory');
    if (deeper !== undefined) throw otherLevels(`has the directory ${directory.below(deeper)}`);
    visit(directory, names.filter(isPageName));
    return;
  }
  const page = names.find(isPageName);
  if (page !== undefined) throw otherLevels(`has the page ${directory.below(page)}`);
  const hex = names.filter((name) => /^[0-9a-f]{1,2}$/.test(name));
  const other = hex.find((name) => name.length !== digits);
  if (other !== undefined) throw otherLevels(`has the directory ${directory.below(other)}`);
  for (const name of hex) {
    let entered: Directory | undefined;
    attempt(directory.below(name), () => {
      entered = directory.open(name);
    });
    if (!entered) continue;
    try {
      eachLeafBelow(entered, below, attempt, visit);
    } finally {
      entered.close();
    }
  }
}

/** The code of a zone whose levels are others. */
export const otherLevelsCode = 'ELEVELS';

function otherLevels(found: string): Error {
  return refusal(
    otherLevelsCode,
    `${found}, which does not fit "levels": write the levels of proxy_cache_path`,
  );
}
