import { readdirSync, readFileSync } from 'node:fs';
import { extname } from 'node:path';
import { toError } from '../core/errors.ts';

/** These are next to src/ and to dist/. */
const pageFolder = new URL('../../page/', import.meta.url);
const documentFolder = new URL('../../doc/', import.meta.url);

const contentTypes: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
};

/** As text: a browser would save a file of text/markdown. */
const documentTypes = { '.md': 'text/plain; charset=utf-8' };

type Files = Map<string, { readonly contentType: string; readonly body: string }>;

export interface StaticFiles {
  /** The page's files and the documents, by the path of a request: no other file can be requested. */
  readonly files: Readonly<Pick<Files, 'get'>>;
  /** Why some of them, or all, are missing. */
  readonly problem?: string;
}

/** Read once. The numbers are served without the page, and pages are cleared without either. */
export function readStaticFiles(): StaticFiles {
  const files: Files = new Map();
  try {
    readFolder(documentFolder, '/doc/', documentTypes, files);
  } catch {
    // A package made without them: the links answer with 404.
  }
  try {
    readFolder(pageFolder, '/page/', contentTypes, files);
    if (!files.has('/')) throw new Error('index.html is not there');
    return { files };
  } catch (error) {
    const problem = `the status page cannot be read (${toError(error).message}): install uncached again. /metrics and the others are served, and clearing goes on`;
    return { files, problem };
  }
}

function readFolder(folder: URL, at: string, types: Readonly<Record<string, string>>, files: Files): void {
  for (const name of readdirSync(folder)) {
    const contentType = types[extname(name)];
    if (contentType === undefined) continue;
    const path = name === 'index.html' ? '/' : `${at}${name}`;
    files.set(path, { contentType, body: readFileSync(new URL(name, folder), 'utf8') });
  }
}
