import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';

/** page/ lies beside src/ and dist/ alike. */
const folder = new URL('../../page/', import.meta.url);

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** The status page's files by the path they are asked for with, read once: what is not among them cannot be asked for. */
export function readPage(): Map<string, { contentType: string; body: string }> {
  const page = new Map<string, { contentType: string; body: string }>();
  for (const name of readdirSync(folder)) {
    const contentType = contentTypes[extname(name)];
    if (contentType === undefined) continue;
    const path = name === 'index.html' ? '/' : `/page/${name}`;
    page.set(path, { contentType, body: readFileSync(new URL(name, folder), 'utf8') });
  }
  return page;
}
