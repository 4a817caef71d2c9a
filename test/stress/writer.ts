import { join } from 'node:path';
import { projectRoot } from '../postgres/project-root.ts';
import { fencedWriter } from './fenced.ts';
import { legacyWriter } from './legacy.ts';
import { runLoad } from './load.ts';

/**
 * A load process with the shipped page cache: a web server that follows the protocol, and an old one that
 * cannot.
 */
const { pageCache } = (await import(
  join(projectRoot, 'dist/page-cache/page-cache.js')
)) as typeof import('../../src/page-cache/page-cache.ts');

const fenced = fencedWriter(pageCache);
runLoad([fenced, fenced, fenced, fenced, ...Array.from({ length: 10 }, () => legacyWriter)]);
