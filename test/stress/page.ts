import { createHash } from 'node:crypto';
import type { Random } from '../random.ts';

/** The data in a page. */
export interface Page {
  readonly path: string;
  /** The writer that rendered it. */
  readonly by: string;
  /** The time before its snapshot was taken. */
  readonly readAt: number;
  /** The version of each datum that it shows. */
  readonly versions: Readonly<Record<string, number>>;
}

const digestLength = 40;

/** Length and digest are at the end, so that half a page, or two halves, are detected. */
export function encode(page: Page, random: Random): Buffer {
  const filler = 'x'.repeat(random.chance(0.1) ? random.below(200_000) : random.below(5_000));
  const text = `${JSON.stringify(page)}\n${filler}\n`;
  return Buffer.from(text + digest(text));
}

/** The page, or a description of its error. */
export function decode(body: Buffer, path: string): Page | string {
  const text = body.toString();
  const content = text.slice(0, -digestLength);
  if (text.length <= digestLength || digest(content) !== text.slice(-digestLength))
    return `torn: ${body.length} bytes, beginning ${text.slice(0, 200)}`;
  const page = JSON.parse(content.slice(0, content.indexOf('\n'))) as Page;
  return page.path === path ? page : `another page's content: ${page.path}`;
}

function digest(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}
