import { encode } from '../../core/bytes.ts';
import type { ZoneWay } from '../../core/configuration.ts';
import { errorCode, toError } from '../../core/errors.ts';
import type { FoundFile, ZoneFailure, ZoneResult } from '../../core/zone-files.ts';
import type { Directory, Walk } from '../walk/directory.ts';
import { clearPage, withPageFile } from './page-file.ts';
import { zonePath } from './zone-path.ts';

interface Named {
  readonly levels: readonly number[];
  readonly keys: readonly string[];
}

/** Clears the file of each key. No directory is listed. */
export function clearKeys(
  root: string,
  { how, ...named }: Named & { readonly how: ZoneWay },
  walk: Walk,
): ZoneResult {
  let files = 0;
  const failures = eachPlace(root, placesOf(named), walk, (directory, name, key) => {
    if (clearPage(directory, name, how, encode(key))) files += 1;
  });
  return { files, failures };
}

/** The files that these keys have now. */
export function findKeys(root: string, named: Named, walk: Walk): ZoneResult & { found: FoundFile[] } {
  const found: FoundFile[] = [];
  const failures = eachPlace(root, placesOf(named), walk, (directory, name, key) => {
    withPageFile(directory, name, { writing: false }, ({ header, writtenMs }) => {
      if (header.key.equals(encode(key))) found.push({ key, path: directory.below(name), writtenMs });
    });
  });
  return { files: found.length, failures, found };
}

interface Place {
  readonly key: string;
  readonly directories: readonly string[];
  readonly name: string;
}

function placesOf({ levels, keys }: Named): Place[] {
  return keys.map((key) => ({ key, ...zonePath(key, levels) }));
}

/** Goes from directory to directory, and to each of them once. */
export function eachPlace(
  root: string,
  unordered: readonly Place[],
  walk: Walk,
  visit: (directory: Directory, name: string, key: string) => void,
): ZoneFailure[] {
  const failures: ZoneFailure[] = [];
  const places = unordered
    .map((place) => ({ ...place, directory: place.directories.join('/') }))
    .sort(byDirectory);
  // Also shows that the zone is there, whatever the keys.
  const opened: { name: string; directory: Directory | undefined }[] = [
    { name: '', directory: walk.openRoot(root, { patterns: places.length }) },
  ];
  const closeDownTo = (depth: number) => {
    while (opened.length > depth) opened.pop()?.directory?.close();
  };
  try {
    for (const { key, directories, name } of places) {
      try {
        const same = directories.findIndex((one, at) => opened[at + 1]?.name !== one);
        closeDownTo(same < 0 ? directories.length + 1 : same + 1);
        for (const one of directories.slice(opened.length - 1))
          opened.push({ name: one, directory: opened.at(-1)?.directory?.open(one) });
        const directory = opened.at(-1)?.directory;
        if (directory) visit(directory, name, key);
      } catch (error) {
        failures.push({ key, path: [...directories, name].join('/'), ...failureOf(error) });
      }
    }
  } finally {
    closeDownTo(0);
  }
  return failures;
}

export function failureOf(error: unknown): Pick<ZoneFailure, 'code' | 'message'> {
  return { code: errorCode(error) ?? '', message: toError(error).message };
}

function byDirectory(one: { directory: string }, other: { directory: string }): number {
  return one.directory < other.directory ? -1 : one.directory > other.directory ? 1 : 0;
}
