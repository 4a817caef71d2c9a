import { formatDuration } from '../../core/duration.ts';
import { several } from '../../core/plural.ts';
import type { PageStat } from '../../filesystem/stat-page.ts';

export interface PagePath {
  readonly root: string;
  readonly path: string;
  /** If the path is a temp: the page that it will become. */
  readonly page: string | undefined;
  readonly seen: PageStat;
}

export function formatPagePath({ root, path, page, seen }: PagePath, now = Date.now()): string[] {
  const lines = [`${root}/${path}`];
  const at = (ms: number) => `${new Date(ms).toISOString()}, ${formatDuration(now - ms)} ago`;
  if (seen.kind === 'nothing') lines.push('There is nothing at this path now.');
  else {
    lines.push(`${seen.kind}, ${several(seen.bytes, 'byte')}, written ${at(seen.writtenMs)}`);
    if (seen.changedMs - seen.writtenMs > noticedMs)
      lines.push(`put in place, or its rights changed, ${at(seen.changedMs)}`);
  }
  if (page !== undefined)
    lines.push(`A temp file: a writer is rendering the page ${page}, or crashed meanwhile.`);
  if (seen.link !== undefined)
    lines.push(`${seen.link} is a symbolic link, which no clearing follows: replace it with a directory.`);
  return lines;
}

/** A rename sooner than this after the writing is not worth mentioning. */
const noticedMs = 2_000;
