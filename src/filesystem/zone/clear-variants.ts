import { decode, encode } from '../../core/bytes.ts';
import type { ZoneWay } from '../../core/configuration.ts';
import { errorCode, toError } from '../../core/errors.ts';
import type { ZoneResult } from '../../core/zone-files.ts';
import { refusal, type Walk } from '../walk/directory.ts';
import { eachPlace } from './clear-zone.ts';
import { clearPage } from './page-file.ts';
import { VariantMemo } from './variant-memo.ts';
import { eachLeafBelow } from './walk-zone.ts';

interface VariantRequest {
  readonly levels: readonly number[];
  readonly keys: readonly string[];
  readonly how: ZoneWay;
  /** `known`: of what the last scan has seen; `all`: the zone is scanned before. */
  readonly variants: 'known' | 'all';
}

/** By the path of the zone: a worker has one. */
const memos = new Map<string, VariantMemo>();

/** Clears every file that has one of these keys: nginx keeps one for each variant of a page. */
export function clearVariants(
  root: string,
  { levels, keys, how, variants }: VariantRequest,
  walk: Walk,
): ZoneResult {
  const known = memos.get(root);
  const memo = known ?? new VariantMemo();
  memos.set(root, memo);
  if (variants === 'all' || !known) scan(root, levels, memo, walk);
  const places = Array.from(memo.of(keys.map(encode)), ({ key, directory, name }) => ({
    key: decode(key),
    directories: directory === '' ? [] : directory.split('/'),
    name,
  }));
  let files = 0;
  const failures = eachPlace(root, places, walk, (directory, name, key) => {
    if (clearPage(directory, name, how, encode(key))) files += 1;
  });
  return { files, failures };
}

/** Throws if something cannot be read: it may be a variant of any page. */
function scan(root: string, levels: readonly number[], memo: VariantMemo, walk: Walk): void {
  const attempt = (path: string, work: () => void) => {
    try {
      work();
    } catch (error) {
      throw refusal(
        errorCode(error) ?? '',
        `cannot look for variants in ${path}: ${toError(error).message}`,
        error,
      );
    }
  };
  const zone = walk.openRoot(root, { patterns: Number.POSITIVE_INFINITY });
  try {
    memo.begin();
    eachLeafBelow(zone, levels, attempt, (directory, names) =>
      attempt(directory.path, () => memo.learn(directory, names)),
    );
    memo.end();
  } finally {
    zone.close();
  }
}
