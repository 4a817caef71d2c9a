import { hash } from 'node:crypto';
import { encode } from '../../core/bytes.ts';

/** Where nginx keeps a page: its directories, from the outside in, and its name. */
interface ZonePath {
  readonly directories: readonly string[];
  readonly name: string;
}

/** nginx names a file by the MD5 of its key. The names of its directories are taken from the end of that. */
export function zonePath(key: string, levels: readonly number[]): ZonePath {
  const name = hash('md5', encode(key));
  let end = name.length;
  const directories = levels.map((digits) => {
    end -= digits;
    return name.slice(end, end + digits);
  });
  return { directories, name };
}

/** Nothing else in a zone is a page: a page that is being stored has a longer name. */
export function isPageName(name: string): boolean {
  return /^[0-9a-f]{32}$/.test(name);
}
