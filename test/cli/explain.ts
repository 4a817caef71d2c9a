import { freshportsHandlers, iniFor } from '../site.ts';
import { uncached } from '../uncached.ts';
import { explainHere } from './command-here.ts';
import { database, site } from './site-and-database.ts';

/* A site and a database to explain. Importing this registers their hooks. */

export { client, database, site } from './site-and-database.ts';

const configure = ({ handlers = freshportsHandlers, user = database.config.user } = {}) =>
  site.configure(iniFor(site, { ...database.config, user }, { handlers, settle: '10s' }));

export const explain = (path: string, options: Parameters<typeof configure>[0] = {}) =>
  explainHere(configure(options), path);

/** Runs `explain` as a program. */
export const uncachedExplain = (path: string) => uncached(['--config', configure(), 'explain', path]);

export const nginx = 'ports/www/nginx/Detail.html';
