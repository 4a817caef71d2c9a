import type { Seen } from '../filesystem/page.ts';
import { formatAge } from './age.ts';

export interface Place {
  readonly root: string;
  readonly path: string;
  /** Where the path is a temp: the page that it is to become. */
  readonly page: string | undefined;
  readonly seen: Seen;
}

export function placeInWords({ root, path, page, seen }: Place, now = Date.now()): string {
  const lines = [`${root}/${path}`];
  const at = (ms: number) => `${new Date(ms).toISOString()}, ${formatAge(now - ms)} ago`;
  if (seen.kind === 'nothing') lines.push('There is nothing at this path now.');
  else {
    lines.push(`${seen.kind}, ${seen.bytes} bytes, written ${at(seen.writtenMs)}`);
    if (seen.changedMs - seen.writtenMs > noticedMs)
      lines.push(`put in place, or its rights changed, ${at(seen.changedMs)}`);
  }
  if (page !== undefined) lines.push(`A temp: a writer renders the page ${page}, or died over it.`);
  if (seen.link !== undefined)
    lines.push(`${seen.link} is a symbolic link, which no clearing follows: replace it by a directory.`);
  return lines.join('\n');
}

/** A rename sooner than this after the writing is nothing to tell. */
const noticedMs = 2_000;
