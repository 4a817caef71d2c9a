import { realpathSync } from 'node:fs';
import { decode, readable } from '../../core/bytes.ts';
import type { ZoneWay } from '../../core/configuration.ts';
import { errorCode, toError } from '../../core/errors.ts';
import type { Walk } from '../walk/directory.ts';
import { notOfCache, withPageFile } from './page-file.ts';
import { eachLeafBelow, otherLevelsCode } from './walk-zone.ts';

/** What can be seen of a zone, and of some of its pages. */
export interface ZoneInspection {
  /** Undefined if it can be opened. */
  readonly unopened?: { readonly code: string; readonly message: string };
  /** It contains the root of the page files, or lies in it, by their real paths. */
  readonly overlaps: boolean;
  /** Why its levels are not those that were given. */
  readonly otherLevels?: string;
  readonly pages: readonly SeenPage[];
  /** Below the path of the zone: files with the name of a page that are none, as far as is known here. */
  readonly foreign: readonly string[];
  /** What this user may not open as a clearing would. */
  readonly refused: readonly { readonly path: string; readonly code: string }[];
}

interface SeenPage {
  readonly key: string;
  readonly vary: string;
  readonly writtenMs: number;
}

/** More would take long, and tell little more. */
const maxPages = 1_000;

export function inspectZone(
  zone: string,
  {
    levels,
    how,
    pageRoot,
  }: { readonly levels: readonly number[]; readonly how: ZoneWay; readonly pageRoot: string },
  walk: Walk,
): ZoneInspection {
  const pages: SeenPage[] = [];
  const foreign: string[] = [];
  const refused: { path: string; code: string }[] = [];
  const found = { overlaps: overlap(zone, pageRoot), pages, foreign, refused };
  const attempt = (path: string, work: () => void) => {
    if (pages.length + foreign.length + refused.length >= maxPages) return;
    try {
      work();
    } catch (error) {
      const code = errorCode(error) ?? '';
      if (code === otherLevelsCode) throw error;
      if (code === notOfCache) foreign.push(path);
      else refused.push({ path, code });
    }
  };
  try {
    const directory = walk.openRoot(zone, { patterns: maxPages });
    try {
      if (how === 'unlink' && directory.writable() !== 'yes') refused.push({ path: '', code: 'EACCES' });
      eachLeafBelow(directory, levels, attempt, (leaf, names) => {
        for (const name of names)
          attempt(leaf.below(name), () => {
            withPageFile(leaf, name, { writing: how !== 'unlink' }, ({ header, writtenMs }) => {
              if (header.version === 0) return;
              pages.push({ key: readable(decode(header.key)), vary: header.vary ?? '', writtenMs });
            });
          });
      });
    } finally {
      directory.close();
    }
    return found;
  } catch (error) {
    const code = errorCode(error) ?? '';
    const { message } = toError(error);
    return {
      ...found,
      ...(code === otherLevelsCode ? { otherLevels: message } : { unopened: { code, message } }),
    };
  }
}

function overlap(zone: string, root: string): boolean {
  try {
    const [one, other] = [realpathSync(zone), realpathSync(root)].map((path) => `${path}/`);
    return one !== undefined && other !== undefined && (one.startsWith(other) || other.startsWith(one));
  } catch {
    // One of them is not there, which is reported elsewhere.
    return false;
  }
}
