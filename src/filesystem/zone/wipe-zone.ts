import type { ZoneWay } from '../../core/configuration.ts';
import { errorCode } from '../../core/errors.ts';
import type { ZoneFailure, ZoneResult } from '../../core/zone-files.ts';
import { type Directory, refusal, type Walk } from '../walk/directory.ts';
import { failureOf } from './clear-zone.ts';
import { clearPage, notOfCache } from './page-file.ts';
import { isPageName } from './zone-path.ts';

/** More than this are counted, and not named. */
const maxNamed = 100;

/** Clears every page in a zone, and leaves what is none: temporary files, and files of others. */
export function wipeZone(
  root: string,
  { levels, how }: { readonly levels: readonly number[]; readonly how: ZoneWay },
  walk: Walk,
): ZoneResult {
  let files = 0;
  const failures: ZoneFailure[] = [];
  const attempt = (path: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      // It is no page, so nginx serves nothing from it.
      if (errorCode(error) === notOfCache) return;
      if (failures.length < maxNamed) failures.push({ path, ...failureOf(error) });
    }
  };
  const visit = (directory: Directory) =>
    eachPageBelow(directory, levels, attempt, (leaf, name) => {
      if (clearPage(leaf, name, how)) files += 1;
    });
  const zone = walk.openRoot(root, { patterns: Number.POSITIVE_INFINITY });
  try {
    visit(zone);
  } finally {
    zone.close();
  }
  return { files, failures };
}

/**
 * Calls `visit` for whatever has the name of a page. Throws where the zone has other levels: pages would be
 * sought where none are.
 */
function eachPageBelow(
  directory: Directory,
  levels: readonly number[],
  attempt: (path: string, work: () => void) => void,
  visit: (directory: Directory, name: string) => void,
): void {
  const [digits, ...below] = levels;
  const names = directory.names().map(String);
  if (digits === undefined) {
    const deeper = names.find((name) => /^[0-9a-f]{1,2}$/.test(name) && directory.kind(name) === 'directory');
    if (deeper !== undefined) throw otherLevels(`has the directory ${directory.below(deeper)}`);
    for (const name of names.filter(isPageName)) attempt(directory.below(name), () => visit(directory, name));
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
      eachPageBelow(entered, below, attempt, visit);
    } finally {
      entered.close();
    }
  }
}

function otherLevels(found: string): Error {
  return refusal('EINVAL', `${found}, which does not fit "levels": write the levels of proxy_cache_path`);
}
