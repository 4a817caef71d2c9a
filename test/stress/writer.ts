import { join } from 'node:path';
import { projectRoot } from '../postgres/project-root.ts';
import { fencedWriter } from './fenced.ts';
import { legacyWriter } from './legacy.ts';
import { runLoad } from './load.ts';

/**
 * A process of the load: a web server that keeps the protocol, and one of old that cannot, with the page
 * cache that is shipped.
 */
const { pageCache } = (await import(
  join(projectRoot, 'dist/page-cache/page-cache.js')
)) as typeof import('../../src/page-cache/page-cache.ts');

const fenced = fencedWriter(pageCache);
runLoad([fenced, fenced, fenced, fenced, ...Array.from({ length: 10 }, () => legacyWriter)]);
