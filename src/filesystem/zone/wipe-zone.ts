import type { ZoneWay } from '../../core/configuration.ts';
import { errorCode } from '../../core/errors.ts';
import type { ZoneFailure, ZoneResult } from '../../core/zone-files.ts';
import type { Walk } from '../walk/directory.ts';
import { failureOf } from './clear-zone.ts';
import { clearPage, notOfCache } from './page-file.ts';
import { eachLeafBelow } from './walk-zone.ts';

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
  const zone = walk.openRoot(root, { patterns: Number.POSITIVE_INFINITY });
  try {
    eachLeafBelow(zone, levels, attempt, (directory, names) => {
      for (const name of names)
        attempt(directory.below(name), () => {
          if (clearPage(directory, name, how)) files += 1;
        });
    });
  } finally {
    zone.close();
  }
  return { files, failures };
}
